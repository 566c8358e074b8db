package androidx.test.internal.runner.lifecycle;

import android.app.Activity;
import androidx.test.runner.lifecycle.ActivityLifecycleMonitor;
import androidx.test.runner.lifecycle.Stage;

/**
 * Robolectric tells Espresso about activities through this class, which is on Google's repository
 * only. Nothing here uses Espresso: this has what Robolectric calls, and does nothing.
 */
public final class ActivityLifecycleMonitorImpl implements ActivityLifecycleMonitor {
    public void signalLifecycleChange(Stage stage, Activity activity) {}
}
