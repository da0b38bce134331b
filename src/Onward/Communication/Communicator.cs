namespace Onward.Communication;

/// <summary>
/// A group of processes that train together, seen from one of them. All processes must call the operations of the group in the
/// same order. Only one thread at a time may use it.
/// </summary>
public abstract class Communicator : IDisposable
{
    /// <summary>Rank of this process in the group, from 0.</summary>
    public abstract int Rank { get; }

    /// <summary>Number of processes in the group.</summary>
    public abstract int Count { get; }

    /// <summary>Starts to replace numbers by their sums over the group.</summary>
    /// <remarks>
    /// All processes get the same bits. Runs with the same number of processes and the same library get the same bits too.
    /// </remarks>
    /// <param name="numbers">The numbers, float or double, equally many in each process.</param>
    public abstract Transfer BeginSum<T>(Memory<T> numbers)
        where T : unmanaged;

    /// <summary>Starts to send values to one process, which receives messages in the order in which they were sent.</summary>
    /// <param name="values">The values.</param>
    /// <param name="receiver">Rank of the receiving process.</param>
    public abstract Transfer BeginSend<T>(ReadOnlyMemory<T> values, int receiver)
        where T : unmanaged;

    /// <summary>Starts to receive values from one process.</summary>
    /// <param name="values">Buffer for the values; fewer may arrive.</param>
    /// <param name="sender">Rank of the sending process.</param>
    public abstract Transfer BeginReceive<T>(Memory<T> values, int sender)
        where T : unmanaged;

    /// <summary>Combines the parts of all processes in every process.</summary>
    /// <param name="all">All parts in the order of ranks; each process has filled in its own.</param>
    /// <param name="lengths">Length of each process's part. [rank]</param>
    public abstract void Gather<T>(Span<T> all, ReadOnlySpan<int> lengths)
        where T : unmanaged;

    /// <summary>Sends the values of one process to all others.</summary>
    /// <param name="values">The values.</param>
    /// <param name="sender">Rank of the process that has the values.</param>
    public abstract void Broadcast<T>(Span<T> values, int sender)
        where T : unmanaged;

    /// <summary>Splits the group. Processes with the same colour form a new group, in the order of their ranks.</summary>
    /// <param name="colour">The colour of this process, 0 or above.</param>
    public abstract Communicator Split(int colour);

    /// <summary>Releases the resources of the group.</summary>
    public virtual void Dispose() => GC.SuppressFinalize(this);

    /// <summary>Replaces numbers by their sums over the group.</summary>
    internal void Sum<T>(Memory<T> numbers)
        where T : unmanaged => BeginSum(numbers).Wait();

    /// <summary>Requires that all processes have the same text.</summary>
    /// <param name="what">Name of what is compared, in the plural, for the message.</param>
    /// <param name="mine">Text of this process.</param>
    /// <exception cref="RankMismatchException">Another process has a different text.</exception>
    public void RequireSame(string what, string mine)
    {
        string[] all = Exchange(mine);
        int other = Array.FindIndex(all, said => said != all[0]);
        if (other > 0)
        {
            throw new RankMismatchException($"{what} differ between processes: rank 0 has {all[0]}, rank {other} has {all[other]}.");
        }
    }

    /// <summary>Gathers one text from every process, in the order of their ranks. [rank]</summary>
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

/// <summary>A transfer between processes that is in progress.</summary>
public abstract class Transfer
{
    /// <summary>A transfer that is already complete.</summary>
    public static Transfer Done { get; } = new Completed();

    /// <summary>Waits until the transfer is complete, so that its memory can be used again.</summary>
    public abstract void Wait();

    /// <summary>Makes progress on the transfer and returns true if it is complete.</summary>
    public abstract bool Poll();

    private sealed class Completed : Transfer
    {
        public override void Wait()
        {
        }

        public override bool Poll() => true;
    }
}
