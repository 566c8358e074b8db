package androidx.test.internal.runner.intent;

import android.content.Intent;
import androidx.test.runner.intent.IntentMonitor;

/**
 * Robolectric tells Espresso about activities through this class, which is on Google's repository
 * only. Nothing here uses Espresso: this has what Robolectric calls, and does nothing.
 */
public final class IntentMonitorImpl implements IntentMonitor {
    public void signalIntent(Intent intent) {}
}
