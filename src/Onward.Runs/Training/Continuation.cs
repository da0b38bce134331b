namespace Onward.Runs;

/// <summary>The settings that may be new when a run goes on; null where they are as they were.</summary>
internal sealed record Continuation
{
    /// <summary>The folder of the data set.</summary>
    internal string? Data { get; init; }

    /// <summary>The images, before the run chooses among them; null to load them.</summary>
    internal TrainingData? Images { get; init; }

    /// <summary>Percent of the images that may be damaged.</summary>
    internal double? MaxDamaged { get; init; }

    /// <summary>Threads, which change no result.</summary>
    internal int? Threads { get; init; }

    /// <summary>The number of epochs that the run goes on to.</summary>
    internal int? Epochs { get; init; }

    /// <summary>Time between checkpoints within an epoch.</summary>
    internal required TimeSpan Interval { get; init; }

    /// <summary>The number of latest checkpoints that are kept.</summary>
    internal required int Checkpoints { get; init; }

    /// <summary>True to write events for TensorBoard. A folder that has some gets more in any case.</summary>
    internal bool TensorBoard { get; init; }
}
