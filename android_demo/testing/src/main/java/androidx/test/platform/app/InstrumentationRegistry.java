package androidx.test.platform.app;

import android.app.Instrumentation;
import android.os.Bundle;

/**
 * Robolectric tells Espresso about activities through this class, which is on Google's repository
 * only. Nothing here uses Espresso: this has what Robolectric calls, and does nothing.
 */
public final class InstrumentationRegistry {
    public static void registerInstance(Instrumentation instrumentation, Bundle arguments) {}
}
