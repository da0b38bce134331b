using Onward.Communication;

namespace Onward.Mpi.Tests;

[Trait("Category", "Mpi")]
public sealed class MpiCommunicatorTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Operations_do_what_they_say(int ranks)
    {
        MpiRun.Require();
        MpiRun.Test(ranks, $"{typeof(MpiCommunicatorTests).FullName}.{nameof(On_ranks)}");
    }

    // MPI can be initialised only once per process, so a single test checks everything.
    [Fact]
    public void On_ranks()
    {
        MpiRun.RequireRank();
        using MpiCommunicator world = MpiCommunicator.Open();
        int rank = world.Rank, count = world.Count;
        Assert.Contains("MPI", MpiCommunicator.LibraryVersion);

        float[] floats = [rank, 1, 0.5f * rank];
        double[] doubles = [.. Enumerable.Repeat(rank + 1.0, 100_000)];
        Transfer[] sums = [world.BeginSum(floats.AsMemory()), world.BeginSum(doubles.AsMemory())];
        Assert.True(SpinWait.SpinUntil(sums[1].Poll, TimeSpan.FromSeconds(30)));
        Array.ForEach(sums, sum => sum.Wait());
        int before = count * (count - 1) / 2;
        Assert.Equal([before, count, 0.5f * before], floats);
        Assert.All(doubles, number => Assert.Equal(before + count, number));

        int next = (rank + 1) % count, previous = (rank + count - 1) % count;
        int[] first = [0], rest = [0, 0, -1];
        Transfer[] ring =
        [
            world.BeginReceive(first.AsMemory(), previous), world.BeginReceive(rest.AsMemory(), previous),
            world.BeginSend<int>(new[] { rank }, next), world.BeginSend<int>(new[] { rank, 10 * rank }, next),
        ];
        Array.ForEach(ring, transfer => transfer.Wait());
        Assert.Equal([previous], first);
        Assert.Equal([previous, 10 * previous, -1], rest);

        int[] lengths = [.. Enumerable.Range(1, count)];
        double[] all = new double[lengths.Sum()];
        all.AsSpan(lengths[..rank].Sum(), lengths[rank]).Fill(rank);
        world.Gather(all.AsSpan(), lengths);
        Assert.Equal(lengths.SelectMany((length, r) => Enumerable.Repeat((double)r, length)), all);

        long[] told = [rank, rank];
        world.Broadcast(told.AsSpan(), count - 1);
        Assert.Equal([count - 1, count - 1], told);

        Assert.Equal([.. Enumerable.Range(0, count).Select(r => new string('é', r))], world.Exchange(new string('é', rank)));
        world.RequireSame("Numbers of processes", $"{count}");
        if (count > 1)
        {
            Assert.Contains(
                "rank 1", Assert.Throws<RankMismatchException>(() => world.RequireSame("Ranks", rank == 1 ? "1" : "0")).Message);
        }

        using (Communicator half = world.Split(rank % 2))
        {
            Assert.Equal((rank / 2, (count + 1 - (rank % 2)) / 2), (half.Rank, half.Count));
            float[] one = [1];
            half.BeginSum(one.AsMemory()).Wait();
            Assert.Equal([half.Count], one);
        }

        // The signal handlers of .NET still work with MPI: a null reference throws and does not crash.
        string? nothing = rank < 0 ? "" : null;
        Assert.Throws<NullReferenceException>(() => nothing!.Length);
    }
}
