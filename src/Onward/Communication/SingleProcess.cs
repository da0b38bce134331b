namespace Onward.Communication;

/// <summary>A group of one process. Sums leave the numbers as they are, and nothing can be sent.</summary>
public sealed class SingleProcess : Communicator
{
    /// <inheritdoc/>
    public override int Rank => 0;

    /// <inheritdoc/>
    public override int Count => 1;

    /// <inheritdoc/>
    public override Transfer BeginSum<T>(Memory<T> numbers) => Transfer.Done;

    /// <inheritdoc/>
    public override Transfer BeginSend<T>(ReadOnlyMemory<T> values, int receiver) => throw Nobody();

    /// <inheritdoc/>
    public override Transfer BeginReceive<T>(Memory<T> values, int sender) => throw Nobody();

    /// <inheritdoc/>
    public override void Gather<T>(Span<T> all, ReadOnlySpan<int> lengths)
    {
    }

    /// <inheritdoc/>
    public override void Broadcast<T>(Span<T> values, int sender)
    {
    }

    /// <inheritdoc/>
    public override Communicator Split(int colour) => new SingleProcess();

    private static InvalidOperationException Nobody() => new("A single process cannot send or receive: there is no other process.");
}
