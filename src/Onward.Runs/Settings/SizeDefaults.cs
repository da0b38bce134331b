using System.Globalization;
using System.Numerics;
using Onward.Training;

namespace Onward.Runs;

/// <summary>The defaults that follow the number of training images, where the command line does not give the option.</summary>
/// <param name="BatchSize">True if the batch size follows.</param>
/// <param name="Epochs">True if the epochs follow.</param>
/// <param name="WarmupEpochs">True if the warm-up follows.</param>
internal sealed record SizeDefaults(bool BatchSize, bool Epochs, bool WarmupEpochs)
{
    // Batches of an epoch at least; a smaller set gets smaller batches.
    private const int LeastBatches = 4;

    // A run of fewer steps learns little, whatever the epochs.
    private const int LeastSteps = 350;

    // A warm-up of fewer steps is none.
    private const int LeastWarmupSteps = 20;

    /// <summary>All options are given.</summary>
    internal static SizeDefaults None { get; } = new(false, false, false);

    /// <summary>Fits the defaults to the images.</summary>
    /// <param name="training">The run with the defaults of its preset.</param>
    /// <param name="images">Training images.</param>
    /// <param name="isLimited">True if the steps of an epoch are limited: the length of the run is then as asked for.</param>
    internal TrainingOptions Fit(TrainingOptions training, int images, bool isLimited)
    {
        if (BatchSize && images < training.BatchSize * LeastBatches)
        {
            training = training with { BatchSize = 1 << BitOperations.Log2((uint)Math.Max(1, images / LeastBatches)) };
        }

        int steps = images / training.BatchSize;
        if (steps == 0 || isLimited)
        {
            return training;
        }

        if (Epochs && training.Epochs * steps < LeastSteps)
        {
            training = training with { Epochs = (LeastSteps + steps - 1) / steps };
        }

        double warmup = Math.Round(Math.Min((double)LeastWarmupSteps / steps, training.Epochs / 10.0), 2);
        return WarmupEpochs && warmup > training.WarmupEpochs ? training with { WarmupEpochs = warmup } : training;
    }

    /// <summary>Names what was fitted, for a message.</summary>
    /// <param name="preset">The run with the defaults of its preset.</param>
    /// <param name="fitted">The run with the defaults for its images.</param>
    /// <param name="say">The words for settings.</param>
    internal static string Describe(TrainingOptions preset, TrainingOptions fitted, HostWords say)
    {
        string[] changes =
        [
            .. preset.BatchSize == fitted.BatchSize ? [] : new[] { Show("batch size", fitted.BatchSize) },
            .. preset.Epochs == fitted.Epochs ? [] : new[] { Show("epochs", fitted.Epochs) },
            .. preset.WarmupEpochs.Equals(fitted.WarmupEpochs) ? [] : new[] { Show("warmup epochs", fitted.WarmupEpochs) },
        ];
        return string.Join(" ", changes);

        string Show(string name, IFormattable value) => $"{say.Setting(name)} {value.ToString(null, CultureInfo.InvariantCulture)}";
    }
}
