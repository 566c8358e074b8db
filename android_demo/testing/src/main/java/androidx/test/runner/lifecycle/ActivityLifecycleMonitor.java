package androidx.test.runner.lifecycle;

/**
 * Robolectric tells Espresso about activities through this class, which is on Google's repository
 * only. Nothing here uses Espresso: this has what Robolectric calls, and does nothing.
 */
public interface ActivityLifecycleMonitor {}
