using System.Runtime.ExceptionServices;

namespace Onward.Threads;

/// <summary>A fixed number of threads that share numbered jobs. The calling thread is one of them. A call allocates nothing.</summary>
public sealed class WorkerTeam : IDisposable
{
    // A fraction of a millisecond: longer than threads wait for each other within a step, too short to waste much time when idle.
    private const int SpinsBeforeSleep = 2000;

    // Counters of two threads are on different cache lines.
    private const int Line = 64 / sizeof(int);

    private readonly Thread[] _threads;
    private readonly ManualResetEventSlim[] _start;
    private readonly ManualResetEventSlim _done = new(false);
    private Action<int, int>? _job;
    private readonly int[] _next;
    private int _jobs;
    private int _working;
    private ExceptionDispatchInfo? _failure;
    private volatile bool _closed;

    /// <summary>Starts the threads.</summary>
    /// <param name="count">Number of threads, including the caller.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is below 1.</exception>
    public WorkerTeam(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        Count = count;
        _next = new int[count * Line];
        _start = new ManualResetEventSlim[count - 1];
        _threads = new Thread[count - 1];
        for (int i = 0; i < _threads.Length; i++)
        {
            int worker = i + 1;
            _start[i] = new ManualResetEventSlim(false);
            _threads[i] = new Thread(() => Work(worker)) { IsBackground = true, Name = $"onward worker {worker}" };
            _threads[i].Start();
        }
    }

    /// <summary>Number of threads, including the caller.</summary>
    public int Count { get; }

    /// <summary>Runs jobs 0 to <paramref name="jobs"/> - 1, each once, on any thread, and returns when all have ended.</summary>
    /// <remarks>
    /// If a job throws, no further jobs start, and the exception is rethrown to the caller when all threads have stopped.
    /// </remarks>
    /// <param name="jobs">Number of jobs.</param>
    /// <param name="job">Called with the number of the job and the number of the thread that runs it, 0 to <see cref="Count"/> - 1.</param>
    /// <exception cref="ObjectDisposedException">The team was disposed of.</exception>
    public void Run(int jobs, Action<int, int> job)
    {
        ArgumentNullException.ThrowIfNull(job);
        ObjectDisposedException.ThrowIf(_closed, this);
        int helpers = Math.Min(_threads.Length, jobs - 1);
        _job = job;
        _jobs = jobs;
        for (int worker = 0; worker < Count; worker++)
        {
            _next[worker * Line] = worker;
        }

        _working = helpers;
        _failure = null;
        _done.Reset();
        for (int i = 0; i < helpers; i++)
        {
            _start[i].Set();
        }

        TakeJobs(0);
        if (helpers > 0)
        {
            Await(_done);
        }

        _failure?.Throw();
    }

    /// <summary>Stops the threads.</summary>
    public void Dispose()
    {
        if (_closed)
        {
            return;
        }

        _closed = true;
        for (int i = 0; i < _threads.Length; i++)
        {
            _start[i].Set();
            _threads[i].Join();
            _start[i].Dispose();
        }

        _done.Dispose();
    }

    private void Work(int worker)
    {
        ManualResetEventSlim start = _start[worker - 1];
        while (true)
        {
            Await(start);
            start.Reset();
            if (_closed)
            {
                return;
            }

            TakeJobs(worker);
            if (Interlocked.Decrement(ref _working) == 0)
            {
                _done.Set();
            }
        }
    }

    // A step starts the threads dozens of times, and waking a thread through the operating system takes as long as a small job.
    private static void Await(ManualResetEventSlim signal)
    {
        for (int i = 0; i < SpinsBeforeSleep && !signal.IsSet; i++)
        {
            Thread.SpinWait(8);
        }

        signal.Wait();
    }

    // A thread begins with its own share, each Count-th job, which is the same in each call with as many jobs: what it wrote in the last
    // step is then near it. Afterwards it takes over what others have left.
    private void TakeJobs(int worker)
    {
        try
        {
            for (int turn = 0; turn < Count; turn++)
            {
                ref int next = ref _next[(worker + turn) % Count * Line];
                while (Volatile.Read(ref next) < _jobs && Interlocked.Add(ref next, Count) - Count is int job && job < _jobs)
                {
                    _job!(job, worker);
                }
            }
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(e), null);
            for (int owner = 0; owner < Count; owner++)
            {
                Volatile.Write(ref _next[owner * Line], _jobs);
            }
        }
    }
}
