using Onward.Data;
using Onward.Engine;
using Onward.Kernels;
using Onward.Models;

namespace Onward.Training;

/// <summary>One step of a learning-rate scan.</summary>
/// <param name="LearningRate">The learning rate of the step.</param>
/// <param name="Loss">The loss before the step's update: the mean over the readout and the blocks that have a local loss.</param>
/// <param name="Smoothed">Exponential moving average of the losses so far, over about five steps.</param>
public readonly record struct ScannedRate(double LearningRate, double Loss, double Smoothed);

/// <summary>
/// A learning-rate range test (Smith 2017, "Cyclical learning rates"): a short training whose learning rate grows by a constant
/// factor per step, from far too low to far too high. Rates at which the loss falls are suitable for training.
/// </summary>
public static class LearningRateScan
{
    // The scan stops when the smoothed loss is this many times its lowest value.
    private const double Rise = 3;

    // Decay of the moving average. With a longer memory, a rise of the loss would show only many steps after it began. In these
    // steps the rate grows by a large part of a decade.
    private const double Memory = 0.8;

    /// <summary>Runs the scan. Afterwards the model's weights are useless.</summary>
    /// <param name="step">Computes the gradients of its network, which must have its initial weights.</param>
    /// <param name="data">Images to train on.</param>
    /// <param name="options">The training options; the learning rate and its schedule are not used.</param>
    /// <param name="lowest">Learning rate of the first step, above 0; scaled with the batch size if the options say so.</param>
    /// <param name="highest">Learning rate of the last step, above <paramref name="lowest"/>.</param>
    /// <param name="steps">Number of steps, at least 2. The scan ends early if the loss rises far above its lowest value.</param>
    /// <param name="cancellation">Cancels the scan.</param>
    /// <returns>The steps, at least one.</returns>
    /// <exception cref="ArgumentException">An argument is out of range.</exception>
    /// <exception cref="OperationCanceledException">The scan was cancelled.</exception>
    public static IReadOnlyList<ScannedRate> Run(
        TrainingStep step,
        ImageDataset data,
        TrainingOptions options,
        double lowest,
        double highest,
        int steps,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 2);
        if (!(lowest > 0 && highest > lowest && double.IsFinite(highest)))
        {
            throw new ArgumentException($"A scan needs a lowest rate above 0 and a highest above it; got {lowest} and {highest}.");
        }

        options.Validate();
        Network model = step.Network;
        TrainedParameter[] trained = TrainedParameter.Of(model, options, step.FrozenBlocks);
        ParameterUpdate update = ParameterUpdate.Of(model.Values.Layout, trained, options, step.Team);
        using BatchLoader loader = new(
            data.Training, data.Mean, data.StandardDeviation, options.BatchSize, options.Seed, options.Views(model), step.Team.Count);
        List<ScannedRate> scanned = [];
        double sum = 0, weight = 0, least = double.PositiveInfinity;
        IEnumerable<ImageBatch> batches = Enumerable.Range(0, int.MaxValue)
            .SelectMany(epoch => loader.Epoch(epoch, cancellation: cancellation))
            .Take(steps);
        foreach (ImageBatch batch in batches)
        {
            double rate = lowest * Pointwise.Exp(Pointwise.Log(highest / lowest) * scanned.Count / (steps - 1));
            StepResult result = step.Run(batch.Pixels, batch.Labels, (uint)scanned.Count);
            double loss = Loss(step.Rule, result);
            sum = (Memory * sum) + ((1 - Memory) * loss);
            weight = (Memory * weight) + (1 - Memory);
            scanned.Add(new ScannedRate(rate, loss, sum / weight));
            least = Math.Min(least, sum / weight);
            if (!result.IsFinite || sum / weight > Rise * least)
            {
                break;
            }

            update.Apply(model.Values, step.Gradients, rate * (options.PeakRate / options.LearningRate));
        }

        return scanned;
    }

    /// <summary>Suggests a learning rate: half of the rate at which the smoothed loss is lowest.</summary>
    /// <remarks>
    /// At the rate of the lowest loss, the loss is about to rise. LG-FG-A, FG-A and BP were tried in runs of three epochs on
    /// digits and MNIST. The suggested rate was within a factor of 2.6 of the best one.
    /// </remarks>
    /// <param name="scanned">The steps of a scan.</param>
    /// <returns>The rate; null if the loss did not fall by at least 3 %.</returns>
    public static double? Suggest(IReadOnlyList<ScannedRate> scanned)
    {
        ArgumentNullException.ThrowIfNull(scanned);
        ScannedRate[] finite = [.. scanned.Where(step => double.IsFinite(step.Smoothed))];
        if (finite.Length == 0)
        {
            return null;
        }

        ScannedRate best = finite.MinBy(step => step.Smoothed);
        return best.Smoothed < 0.97 * finite[0].Smoothed ? best.LearningRate / 2 : null;
    }

    private static double Loss(LearningRule rule, StepResult result) =>
        (rule.TrainsHeads ? result.BlockLosses : []).Append(result.ReadoutLoss).Average();
}
