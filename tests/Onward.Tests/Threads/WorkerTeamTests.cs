using Onward.Threads;

namespace Onward.Tests.Threads;

public sealed class WorkerTeamTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Every_job_runs_exactly_once(int threads)
    {
        using WorkerTeam team = new(threads);
        int[] runs = new int[40];
        for (int round = 0; round < 2000; round++)
        {
            int jobs = round % 40;
            Array.Clear(runs);
            team.Run(jobs, (job, worker) =>
            {
                Assert.InRange(worker, 0, threads - 1);
                Interlocked.Increment(ref runs[job]);
            });

            for (int job = 0; job < runs.Length; job++)
            {
                Assert.Equal(job < jobs ? 1 : 0, runs[job]);
            }
        }
    }

    [Fact]
    public void Results_of_all_jobs_are_visible_when_the_call_returns()
    {
        using WorkerTeam team = new(4);
        long[] results = new long[100];
        for (int round = 1; round <= 500; round++)
        {
            team.Run(results.Length, (job, _) => results[job] += job);

            Assert.Equal(round * 4950L, results.Sum());
        }
    }

    [Fact]
    public void All_threads_take_part_each_under_its_own_number()
    {
        using WorkerTeam team = new(4);

        Thread[] threads = ThreadsOf(team);

        Assert.Equal(4, threads.Distinct().Count());
        Assert.Same(Thread.CurrentThread, threads[0]);
        Assert.Equal(threads, ThreadsOf(team));
        Assert.Equal(4, team.Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void No_jobs_run_nothing(int jobs)
    {
        using WorkerTeam team = new(3);

        team.Run(jobs, (_, _) => Assert.Fail("There is no job."));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Exception_of_a_job_reaches_the_caller_and_the_team_works_on(int threads)
    {
        using WorkerTeam team = new(threads);
        for (int round = 0; round < 50; round++)
        {
            int bad = round % 7, ran = 0;
            InvalidDataException thrown = new($"round {round}");

            Assert.Same(thrown, Assert.Throws<InvalidDataException>(() => team.Run(7, (job, _) =>
            {
                if (job == bad)
                {
                    throw thrown;
                }
            })));

            team.Run(7, (_, _) => Interlocked.Increment(ref ran));
            Assert.Equal(7, ran);
        }
    }

    [Fact]
    public void Exceptions_of_all_jobs_end_the_call_with_one_of_them()
    {
        using WorkerTeam team = new(4);
        using Barrier together = new(4);

        InvalidDataException exception = Assert.Throws<InvalidDataException>(() => team.Run(4, (job, _) =>
        {
            together.SignalAndWait();
            throw new InvalidDataException($"job {job}");
        }));

        Assert.StartsWith("job ", exception.Message, StringComparison.Ordinal);
    }

    // The other thread would need a second for the rest of the jobs; it learns of the failure long before.
    [Fact]
    public void Failure_of_a_job_stops_the_other_threads()
    {
        const int Jobs = 200;
        using WorkerTeam team = new(2);
        using Barrier together = new(2);
        int ran = 0;

        Assert.Throws<InvalidDataException>(() => team.Run(Jobs, (job, _) =>
        {
            Interlocked.Increment(ref ran);
            if (job < 2)
            {
                together.SignalAndWait();
            }

            if (job == 0)
            {
                throw new InvalidDataException();
            }

            Thread.Sleep(5);
        }));

        Assert.InRange(ran, 2, Jobs - 1);
    }

    [Fact]
    public void Disposal_ends_the_threads()
    {
        WorkerTeam team = new(4);
        Thread[] threads = ThreadsOf(team);
        Assert.All(threads, thread => Assert.True(thread.IsAlive));

        team.Dispose();
        team.Dispose();

        Assert.All(threads[1..], thread => Assert.False(thread.IsAlive));
        Assert.Throws<ObjectDisposedException>(() => team.Run(1, (_, _) => { }));
    }

    [Fact]
    public void Run_allocates_nothing()
    {
        using WorkerTeam team = new(3);
        long[] before = new long[3], after = new long[3];
        long sum = 0;
        Action<int, int> work = (job, _) => Interlocked.Add(ref sum, job);

        OnEachThread(team, worker => before[worker] = GC.GetAllocatedBytesForCurrentThread());
        long caller = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 0; round < 1000; round++)
        {
            team.Run(10, work);
        }

        caller = GC.GetAllocatedBytesForCurrentThread() - caller;
        OnEachThread(team, worker => after[worker] = GC.GetAllocatedBytesForCurrentThread());

        Assert.Equal(45_000, sum);

        // What an event sleeps on is made once, when a thread first waits for longer than a spin: it may be now. Made for every run it
        // would come to 24,000 bytes at the least.
        Assert.All([caller, .. before[1..].Zip(after[1..], (one, other) => other - one)], bytes => Assert.InRange(bytes, 0, 1000));
    }

    [Fact]
    public void Rejects_no_threads_and_no_job()
    {
        using WorkerTeam team = new(1);

        Assert.Throws<ArgumentOutOfRangeException>(() => new WorkerTeam(0));
        Assert.Throws<ArgumentNullException>(() => team.Run(1, null!));
    }

    private static Thread[] ThreadsOf(WorkerTeam team)
    {
        Thread[] threads = new Thread[team.Count];
        OnEachThread(team, worker => threads[worker] = Thread.CurrentThread);
        return threads;
    }

    // One job for each thread: a job that waits for all others cannot share its thread with one of them.
    private static void OnEachThread(WorkerTeam team, Action<int> action)
    {
        int arrived = 0;
        team.Run(team.Count, (_, worker) =>
        {
            Interlocked.Increment(ref arrived);
            SpinWait wait = default;
            for (long start = Environment.TickCount64; Volatile.Read(ref arrived) < team.Count; wait.SpinOnce())
            {
                Assert.True(Environment.TickCount64 - start < 60_000, "The other threads did not come.");
            }

            action(worker);
        });
    }
}
