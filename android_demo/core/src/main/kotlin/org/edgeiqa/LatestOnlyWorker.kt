package org.edgeiqa

/** Something was handed to a worker or a live scorer that has been closed. */
public class ClosedException(message: String) : IllegalStateException(message)

/**
 * A thread that works on the newest job: never a queue, at most one job waits.
 *
 * Jobs that come while it is busy replace each other.
 *
 * @param name of the thread, for debuggers.
 * @param work called in the thread with one job at a time. What it throws is handed to the thread's
 *     handler of uncaught exceptions and ends the worker.
 * @param onDropped called with each job that gave way to a newer one, in the thread that handed in
 *     the newer one, or that waits when the worker is closed.
 */
public class LatestOnlyWorker<Job : Any>(
    name: String,
    private val work: (Job) -> Unit,
    private val onDropped: (Job) -> Unit = {},
) : AutoCloseable {
    private val lock = Object()
    private var waiting: Job? = null
    private var closed = false
    private val thread = Thread(::run, name).apply {
        isDaemon = true
        start()
    }

    /**
     * Hands in a job and returns at once.
     *
     * @throws ClosedException after [close].
     */
    public fun submit(job: Job) {
        val stale = synchronized(lock) {
            if (closed) throw ClosedException("this worker is closed")
            waiting.also {
                waiting = job
                lock.notifyAll()
            }
        }
        stale?.let(onDropped)
    }

    /**
     * Ends the thread, from any thread, any number of times.
     *
     * What waits is dropped; what is being worked on is finished, for up to a second, unless this is
     * called by the work itself.
     */
    override fun close() {
        val stale = synchronized(lock) {
            closed = true
            waiting.also {
                waiting = null
                lock.notifyAll()
            }
        }
        stale?.let(onDropped)
        if (Thread.currentThread() !== thread) thread.join(CLOSE_MS)
    }

    private fun run() {
        while (true) work(next() ?: return)
    }

    private fun next(): Job? = synchronized(lock) {
        while (waiting == null && !closed) lock.wait()
        waiting.also { waiting = null }
    }

    private companion object {
        const val CLOSE_MS = 1000L
    }
}
