using Onward.Data;
using Onward.Engine;
using Onward.Models;
using Onward.Threads;

namespace Onward.Training;

/// <summary>A step of a scan.</summary>
/// <param name="LearningRate">The rate of the step.</param>
/// <param name="Loss">The loss before it: of the readout and of the blocks that learn from a loss of their own, the mean.</param>
/// <param name="Smoothed">An exponential moving average of the losses so far, over about five steps.</param>
public readonly record struct ScannedRate(double LearningRate, double Loss, double Smoothed);

/// <summary>
/// A short training whose learning rate rises from far too low to far too high, from step to step by the same factor
/// (Smith 2017, "Cyclical learning rates"): where the loss falls, the rate is one to train with.
/// </summary>
public static class LearningRateScan
{
    // A loss this many times the lowest tells enough.
    private const double Rise = 3;

    // The share of itself that the moving average keeps in a step. A longer memory shows a rise of the loss only many steps, and so a
    // large part of a decade of rates, after it began.
    private const double Memory = 0.8;

    /// <summary>Trains the model, which is of no use afterwards.</summary>
    /// <param name="model">The model, with its first weights.</param>
    /// <param name="rule">Computes the gradients.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="data">Images to train on.</param>
    /// <param name="options">How to train, but for the rate and its schedule.</param>
    /// <param name="lowest">The rate of the first step; above 0. As options say, it is scaled to the batch.</param>
    /// <param name="highest">The rate of the last step; above <paramref name="lowest"/>.</param>
    /// <param name="steps">Steps, at least 2; fewer are taken where the loss rises far above its lowest.</param>
    /// <param name="cancellation">Ends the scan.</param>
    /// <returns>The steps, at least one.</returns>
    /// <exception cref="ArgumentException">An argument is out of range.</exception>
    /// <exception cref="OperationCanceledException">The scan was ended.</exception>
    public static IReadOnlyList<ScannedRate> Run(
        LocalMixer model,
        LearningRule rule,
        WorkerTeam team,
        ImageDataset data,
        TrainingOptions options,
        double lowest,
        double highest,
        int steps,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(rule);
        ArgumentNullException.ThrowIfNull(team);
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 2);
        if (!(lowest > 0 && highest > lowest && double.IsFinite(highest)))
        {
            throw new ArgumentException($"A scan needs a lowest rate above 0 and a highest above it; got {lowest} and {highest}.");
        }

        options.Validate();
        ParameterUpdate update = new(model.Values.Layout, TrainedParameter.Of(model, options), options.CreateOptimizer(), team);
        using BatchLoader loader = new(
            data.Training, data.Mean, data.StandardDeviation, options.BatchSize, options.Seed, options.Views(model), team.Count);
        List<ScannedRate> scanned = [];
        double sum = 0, weight = 0, least = double.PositiveInfinity;
        foreach (ImageBatch batch in Enumerable.Range(0, int.MaxValue).SelectMany(epoch => loader.Epoch(epoch, cancellation: cancellation)).Take(steps))
        {
            double rate = lowest * Math.Pow(highest / lowest, (double)scanned.Count / (steps - 1));
            StepResult result = rule.Step(batch.Pixels, batch.Labels, (uint)scanned.Count);
            double loss = Loss(rule, result);
            sum = (Memory * sum) + ((1 - Memory) * loss);
            weight = (Memory * weight) + (1 - Memory);
            scanned.Add(new ScannedRate(rate, loss, sum / weight));
            least = Math.Min(least, sum / weight);
            if (!result.IsFinite || sum / weight > Rise * least)
            {
                break;
            }

            update.Apply(model.Values, rule.Gradients, rate * (options.PeakRate / options.LearningRate));
        }

        return scanned;
    }

    /// <summary>
    /// The rate to begin with: half of the rate where the smoothed loss is lowest. At that rate the loss is about to rise. In runs of
    /// three epochs on digits and MNIST, half of it was within a factor of 2.6 of the best rate for LG-FG-A, FG-A and BP.
    /// </summary>
    /// <param name="scanned">The steps of a scan.</param>
    /// <returns>The rate; null where the loss has not fallen clearly.</returns>
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
