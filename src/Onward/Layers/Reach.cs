namespace Onward.Layers;

/// <summary>
/// The outputs of a layer that one number of its input can change, apart from the number itself. A chain of layers has the union of
/// all paths (<see cref="Then"/>). Noise is credited with the losses that it can reach, so an estimate is unbiased if the declared reach
/// contains the real one.
/// </summary>
/// <param name="Radius">
/// Positions in each direction of the grid: 0 for the same position alone, <see cref="All"/> for every position.
/// </param>
/// <param name="Run">
/// Channels that change together: aligned runs of this many channels; 1 for the same channel alone, <see cref="All"/> for every channel.
/// </param>
public readonly record struct Reach(int Radius, int Run)
{
    /// <summary>Every position, or every channel.</summary>
    public const int All = int.MaxValue;

    /// <summary>No number except the same one.</summary>
    public static Reach Same { get; } = new(0, 1);

    /// <summary>Every number of the example.</summary>
    public static Reach Everywhere { get; } = new(All, All);

    /// <summary>The reach of this layer and the next one together.</summary>
    /// <param name="next">The reach of the next layer.</param>
    public Reach Then(Reach next) => new(
        Radius > All - next.Radius ? All : Radius + next.Radius,
        Run == All || next.Run == All ? All : Run % next.Run == 0 ? Run : next.Run % Run == 0 ? next.Run : All);
}
