namespace Onward.Communication;

/// <summary>The share of every batch that one of several processes takes.</summary>
/// <param name="Index">Which share, from 0.</param>
/// <param name="Count">How many there are.</param>
public readonly record struct BatchShare(int Index, int Count)
{
    /// <summary>A process that takes the whole batch.</summary>
    public static BatchShare Whole { get; } = new(0, 1);

    /// <summary>Where the share begins in a batch, and how many images are in it: shares differ by one at most.</summary>
    /// <param name="images">Images of the whole batch.</param>
    public (int First, int Images) Of(int images)
    {
        int least = images / Count, more = images % Count;
        return ((Index * least) + Math.Min(Index, more), least + (Index < more ? 1 : 0));
    }
}
