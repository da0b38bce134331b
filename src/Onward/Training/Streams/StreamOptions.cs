namespace Onward.Training;

/// <summary>Options of a <see cref="StreamLearner"/>.</summary>
public sealed record StreamOptions
{
    /// <summary>Number of past examples that are remembered; 0 for none. Default 1000.</summary>
    public int Capacity { get; init; } = 1000;

    /// <summary>
    /// Examples of a step, at least 2: at most a quarter of them are new, and the others are drawn from the memory. Default 32.
    /// </summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>Steps for the examples of a call, at least 1. With few examples in all, more steps learn more. Default 1.</summary>
    public int Steps { get; init; } = 1;

    /// <summary>The learning rate, above 0. Default 0.01.</summary>
    public double LearningRate { get; init; } = 0.01;

    /// <summary>Momentum of SGD, 0 to below 1. Default 0.9.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Mean of the channels, with pixels scaled to [0, 1]. Default 0.5.</summary>
    public float Mean { get; init; } = 0.5f;

    /// <summary>Standard deviation of the channels, with pixels scaled to [0, 1]; above 0. Default 0.5.</summary>
    public float StandardDeviation { get; init; } = 0.5f;

    /// <summary>Seed of the weights of new classes, of the noise and of the memory.</summary>
    public ulong Seed { get; init; }

    /// <summary>Checks that every option is in its range.</summary>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public void Validate()
    {
        string? fault = Capacity < 0 ? $"the capacity must be at least 0; got {Capacity}"
            : BatchSize < 2 ? $"the batch size must be at least 2; got {BatchSize}"
            : Steps < 1 ? $"the number of steps must be at least 1; got {Steps}"
            : !(double.IsFinite(LearningRate) && LearningRate > 0) ? $"the learning rate must be above 0; got {LearningRate}"
            : !(Momentum is >= 0 and < 1) ? $"the momentum must be from 0 to below 1; got {Momentum}"
            : !float.IsFinite(Mean) ? $"the mean must be a number; got {Mean}"
            : !(float.IsFinite(StandardDeviation) && StandardDeviation > 0)
                ? $"the standard deviation must be above 0; got {StandardDeviation}"
            : null;
        if (fault is not null)
        {
            throw new ArgumentException($"Stream: {fault}.");
        }
    }
}
