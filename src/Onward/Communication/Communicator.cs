namespace Onward.Communication;

/// <summary>
/// A group of processes that train together, as one of them sees it. Operations of the whole group are called by all of them,
/// in the same order. One thread at a time may use it.
/// </summary>
public abstract class Communicator : IDisposable
{
    /// <summary>This process's number in the group, from 0.</summary>
    public abstract int Rank { get; }

    /// <summary>Processes in the group.</summary>
    public abstract int Count { get; }

    /// <summary>
    /// Begins to replace numbers by their sums over the group: the same bits in each process, and for the same number of processes
    /// and the same library the same bits in each run.
    /// </summary>
    /// <param name="numbers">The numbers, float or double, as many in each process.</param>
    public abstract Transfer BeginSum<T>(Memory<T> numbers)
        where T : unmanaged;

    /// <summary>Begins to send values to one process, which receives them in the order in which they were sent.</summary>
    /// <param name="values">The values.</param>
    /// <param name="receiver">The process.</param>
    public abstract Transfer BeginSend<T>(ReadOnlyMemory<T> values, int receiver)
        where T : unmanaged;

    /// <summary>Begins to receive values from one process.</summary>
    /// <param name="values">Room for the values; fewer may come.</param>
    /// <param name="sender">The process.</param>
    public abstract Transfer BeginReceive<T>(Memory<T> values, int sender)
        where T : unmanaged;

    /// <summary>Brings together what each process has a part of.</summary>
    /// <param name="all">All parts in the order of ranks; each process has filled in its own.</param>
    /// <param name="lengths">Length of each process's part. [rank]</param>
    public abstract void Gather<T>(Span<T> all, ReadOnlySpan<int> lengths)
        where T : unmanaged;

    /// <summary>Gives all processes what one of them has.</summary>
    /// <param name="values">The values.</param>
    /// <param name="sender">The process that has them.</param>
    public abstract void Broadcast<T>(Span<T> values, int sender)
        where T : unmanaged;

    /// <summary>Parts the group: processes that name the same colour make up a new one, in the order of their ranks.</summary>
    /// <param name="colour">The colour; 0 or above.</param>
    public abstract Communicator Split(int colour);

    /// <summary>Gives back what the group has taken.</summary>
    public virtual void Dispose() => GC.SuppressFinalize(this);

    /// <summary>Replaces numbers by their sums over the group.</summary>
    internal void Sum<T>(Memory<T> numbers)
        where T : unmanaged => BeginSum(numbers).Wait();

    /// <summary>Requires that all processes say the same of one thing.</summary>
    /// <param name="what">What it is.</param>
    /// <param name="mine">What this process has.</param>
    /// <exception cref="RankMismatchException">Some process has something else.</exception>
    public void RequireSame(string what, string mine)
    {
        string[] all = Exchange(mine);
        int other = Array.FindIndex(all, said => said != all[0]);
        if (other > 0)
        {
            throw new RankMismatchException($"{what} differ between processes: rank 0 has {all[0]}, rank {other} has {all[other]}.");
        }
    }

    /// <summary>What each process says of one thing. [rank]</summary>
    public string[] Exchange(string text)
    {
        byte[] mine = System.Text.Encoding.UTF8.GetBytes(text);
        int[] lengths = new int[Count];
        lengths[Rank] = mine.Length;
        Gather(lengths.AsSpan(), [.. Enumerable.Repeat(1, Count)]);
        byte[] all = new byte[lengths.Sum()];
        mine.CopyTo(all, lengths[..Rank].Sum());
        Gather(all.AsSpan(), lengths);
        return [.. lengths.Select((length, rank) => System.Text.Encoding.UTF8.GetString(all, lengths[..rank].Sum(), length))];
    }
}

/// <summary>Something under way between processes.</summary>
public abstract class Transfer
{
    /// <summary>What is done at once.</summary>
    public static Transfer Done { get; } = new Completed();

    /// <summary>Returns when it has ended and its memory is free again.</summary>
    public abstract void Wait();

    /// <summary>Lets it proceed, and tells whether it has ended.</summary>
    public abstract bool Poll();

    private sealed class Completed : Transfer
    {
        public override void Wait()
        {
        }

        public override bool Poll() => true;
    }
}
