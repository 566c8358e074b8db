package androidx.test.runner.intent;

/**
 * Robolectric tells Espresso about activities through this class, which is on Google's repository
 * only. Nothing here uses Espresso: this has what Robolectric calls, and does nothing.
 */
public final class IntentStubberRegistry {
    public static boolean isLoaded() {
        return false;
    }

    public static IntentStubber getInstance() {
        throw new IllegalStateException("there is none");
    }
}
