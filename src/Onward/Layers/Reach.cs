using static System.FormattableString;

namespace Onward.Layers;

/// <summary>
/// The outputs of a layer that one number of its input can change: a window of positions, and channels. Noise is credited with the losses
/// that it can reach, so an estimate is unbiased if the declared reach contains the real one.
/// </summary>
/// <remarks>
/// Along each side of the grid, place y of the input changes places (y + <see cref="First"/>) / <see cref="Stride"/>, rounded up, to
/// (y + <see cref="Last"/>) / <see cref="Stride"/>, rounded down, of the output.
/// </remarks>
public readonly record struct Reach
{
    /// <summary>Every position, or every channel.</summary>
    public const int All = int.MaxValue;

    /// <summary>The reach of a layer that keeps the grid, or that reaches every position of another grid.</summary>
    /// <param name="radius">
    /// Positions in each direction of the grid: 0 for the same position alone, <see cref="All"/> for every position.
    /// </param>
    /// <param name="run">
    /// Channels that change together: aligned runs of this many channels; 1 for the same channel alone, <see cref="All"/> for every
    /// channel.
    /// </param>
    public Reach(int radius, int run)
        : this(-radius, radius, radius == All ? 0 : 1, run) => ArgumentOutOfRangeException.ThrowIfNegative(radius);

    private Reach(long first, long last, long stride, int run)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(run, 1);
        bool all = stride == 0 || Math.Max(-first, stride) >= All;
        (First, Last, Stride, Run) = all ? (0, 0, 0, run) : ((int)first, (int)Math.Min(last, All), (int)stride, run);
    }

    /// <summary>No number except the same one.</summary>
    public static Reach Same { get; } = new(0, 1);

    /// <summary>Every channel of the same position and of all positions behind it, row by row.</summary>
    public static Reach Later { get; } = new(0, All, 1, All);

    /// <summary>Every number of the example.</summary>
    public static Reach Everywhere { get; } = new(All, All);

    /// <summary>The number added to a place of the input to find the first place of the output.</summary>
    public int First { get; }

    /// <summary>
    /// The number added to a place of the input to find the last place of the output; <see cref="All"/> if every later row can change, and
    /// with it every column.
    /// </summary>
    public int Last { get; }

    /// <summary>Places of the input from a place of the output to the next; 0 if every position can change.</summary>
    public int Stride { get; }

    /// <summary>
    /// Channels that change together: aligned runs of this many channels; 1 for the same channel alone, <see cref="All"/> for every
    /// channel.
    /// </summary>
    public int Run { get; init; }

    /// <summary>True if no other position can change.</summary>
    public bool KeepsPositions => (First, Last, Stride) == (0, 0, 1);

    /// <summary>The reach of a layer whose outputs read square windows of the grid, such as a convolution or a pooling.</summary>
    /// <param name="kernelSize">Positions along each side of a window.</param>
    /// <param name="stride">Positions from a window to the next.</param>
    /// <param name="padding">Places beyond the edge in front of the first row and the first column.</param>
    /// <param name="run">The channels, as in the constructor.</param>
    public static Reach OfWindows(int kernelSize, int stride, int padding, int run)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(kernelSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(stride, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(padding);
        return new((long)padding - kernelSize + 1, padding, stride, run);
    }

    /// <summary>Finds the rows of the output that a row of the input can change.</summary>
    /// <param name="place">The row of the input.</param>
    /// <param name="side">Rows of the output.</param>
    public Range PlacesOf(int place, int side)
    {
        if (Stride == 0)
        {
            return ..side;
        }

        // Rounded down; a quotient is rounded up by -floor(-x).
        long first = Math.Clamp(-Floor(-((long)place + First)), 0, side);
        return (int)first..(Last == All ? side : (int)Math.Clamp(Floor((long)place + Last) + 1, first, side));
    }

    /// <summary>Finds the columns of the output that a column of the input can change.</summary>
    /// <param name="place">The column of the input.</param>
    /// <param name="side">Columns of the output.</param>
    public Range ColumnsOf(int place, int side) => Last == All ? ..side : PlacesOf(place, side);

    /// <summary>
    /// Composes the reach of this layer and the next one. The result contains the real reach of both. It is the real one if windows leave
    /// no gaps, apart from the edges of the grid between them.
    /// </summary>
    /// <param name="next">The reach of the next layer.</param>
    public Reach Then(Reach next)
    {
        long stride = Stride, last = Last == All || next.Last == All ? All : Last + (stride * next.Last);
        return new(First + (stride * next.First), last, stride * next.Stride, RunWith(next));
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        string channels = Run == All ? "all channels" : Invariant($"runs of {Run} channels");
        return Stride == 0 ? $"all positions, {channels}"
            : Last == All ? Invariant($"places from (y {First:+ 0;- 0;+ 0}) / {Stride} on, {channels}")
            : Invariant($"places (y {First:+ 0;- 0;+ 0}) / {Stride} to (y {Last:+ 0;- 0;+ 0}) / {Stride}, {channels}");
    }

    /// <summary>Composes the reach of two layers that read the same input, and whose outputs are added.</summary>
    internal Reach Or(Reach other) =>
        new(Math.Min(First, other.First), Math.Max(Last, other.Last), Stride == other.Stride ? Stride : 0, RunWith(other));

    // The smallest aligned runs that contain the runs of both.
    private int RunWith(Reach other) =>
        Run == All || other.Run == All ? All : Run % other.Run == 0 ? Run : other.Run % Run == 0 ? other.Run : All;

    private long Floor(long number) => (number / Stride) - (number % Stride < 0 ? 1 : 0);
}
