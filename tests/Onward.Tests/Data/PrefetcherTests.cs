using Onward.Data;

namespace Onward.Tests.Data;

public sealed class PrefetcherTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public void Steps_come_in_order_and_stay_intact_while_held()
    {
        using Prefetcher<int[]> prefetcher = Make();
        int expected = 5;

        foreach (int[] slot in prefetcher.Run(5, 2000, (slot, step) => slot[0] = step, CancellationToken.None))
        {
            if (expected % 100 == 0)
            {
                Thread.Sleep(1);
            }

            Assert.Equal(expected++, slot[0]);
        }

        Assert.Equal(2000, expected);
    }

    [Fact]
    public void A_fault_reaches_the_reader_after_the_steps_before_it_and_the_next_run_works()
    {
        using Prefetcher<int[]> prefetcher = Make();
        List<int> read = [];

        FormatException fault = Assert.Throws<FormatException>(() =>
        {
            foreach (int[] slot in prefetcher.Run(0, 9, FailAtFour, CancellationToken.None))
            {
                read.Add(slot[0]);
            }
        });

        Assert.Equal("step 4", fault.Message);
        Assert.Equal([0, 1, 2, 3], read);
        Assert.Equal(3, prefetcher.Run(0, 3, FailAtFour, CancellationToken.None).Count());
    }

    [Fact]
    public void Cancellation_ends_the_wait_for_a_step()
    {
        using Prefetcher<int[]> prefetcher = Make();
        using ManualResetEventSlim proceed = new();
        using CancellationTokenSource cancellation = new();
        using IEnumerator<int[]> steps = prefetcher
            .Run(0, 9, (_, step) => Assert.True(step == 0 || proceed.Wait(Patience)), cancellation.Token).GetEnumerator();
        Assert.True(steps.MoveNext());

        using Timer timer = new(
            _ =>
            {
                cancellation.Cancel();
                proceed.Set();
            },
            null,
            20,
            Timeout.Infinite);

        Assert.Throws<OperationCanceledException>(() =>
        {
            while (steps.MoveNext())
            {
            }
        });
    }

    [Fact]
    public void Disposal_in_the_middle_ends_thread_and_enumeration()
    {
        Thread? worker = null;
        Prefetcher<int[]> prefetcher = Make();
        using IEnumerator<int[]> steps = prefetcher
            .Run(0, 9, (_, _) => worker = Thread.CurrentThread, CancellationToken.None).GetEnumerator();
        Assert.True(steps.MoveNext());

        prefetcher.Dispose();
        prefetcher.Dispose();

        Assert.False(worker!.IsAlive);
        Assert.Throws<ObjectDisposedException>(() => steps.MoveNext());
        Assert.Throws<ObjectDisposedException>(
            () => prefetcher.Run(0, 1, (_, _) => { }, CancellationToken.None).Count());
    }

    [Fact]
    public void The_background_thread_allocates_nothing_between_steps()
    {
        using Prefetcher<int[]> prefetcher = Make();
        long[] allocated = new long[500];

        int count = prefetcher
            .Run(0, 500, (_, step) => allocated[step] = GC.GetAllocatedBytesForCurrentThread(), CancellationToken.None).Count();

        Assert.Equal(500, count);
        Assert.Equal(allocated[100], allocated[^1]);
    }

    private static Prefetcher<int[]> Make() => new([new int[1], new int[1], new int[1]]);

    private static void FailAtFour(int[] slot, int step) => slot[0] = step < 4 ? step : throw new FormatException($"step {step}");
}
