namespace Onward.Communication;

/// <summary>The share of every batch that one of several processes processes.</summary>
/// <param name="Index">Index of the share, from 0.</param>
/// <param name="Count">Number of shares.</param>
public readonly record struct BatchShare(int Index, int Count)
{
    /// <summary>A process that takes the whole batch.</summary>
    public static BatchShare Whole { get; } = new(0, 1);

    /// <summary>The index of the share's first image in a batch, and its number of images. Shares differ by at most one image.</summary>
    /// <param name="images">Number of images in the whole batch.</param>
    public (int First, int Images) Of(int images)
    {
        int least = images / Count, more = images % Count;
        return ((Index * least) + Math.Min(Index, more), least + (Index < more ? 1 : 0));
    }
}
