using System.Globalization;
using Onward.Data;
using Onward.Laboratory;
using Onward.Learning;
using Onward.Models;
using Onward.Optimizers;
using Onward.Threads;
using Onward.Training;

namespace Onward.Cli;

/// <summary>A network that has learned for a few steps, and the measurement of its forward gradients on a batch.</summary>
internal static class NetworkUnderStudy
{
    /// <summary>The largest batch: what the images it is cut from allow.</summary>
    internal const int MostImages = DigitsSource.TrainingCount;

    private const int LearningBatch = 128;
    private const double LearningRate = 0.05;

    /// <summary>Trains, and measures on the first images of the training set.</summary>
    internal static IReadOnlyList<MixerEstimate> Measure(VarianceOptions.Plan plan, ModelSettings network, WorkerTeam team, CancellationToken interruption)
    {
        ImageDataset data = DigitsSource.Load();
        ImageSet images = data.Training;
        LocalMixer model = new(network.Options(images.Width, images.Channels, images.Classes));
        model.Initialize(plan.Seed);
        Learn(model, data, plan, team, interruption);
        using BatchLoader loader = new(images.Take(plan.BatchSize), data.Mean, data.StandardDeviation, plan.BatchSize, plan.Seed);
        ImageBatch batch = loader.InOrder(interruption).First();
        float[] pixels = [.. batch.Pixels];
        int[] labels = [.. batch.Labels];
        return new MixerExperiment(model, team, pixels, labels)
            .Run(new MixerExperimentOptions { Draws = plan.Draws, Seed = plan.Seed, Passes = plan.Passes, Noise = plan.Noise }, interruption);
    }

    // Exact gradients, so that the weights do not depend on the rules to be compared.
    private static void Learn(LocalMixer model, ImageDataset data, VarianceOptions.Plan plan, WorkerTeam team, CancellationToken interruption)
    {
        LearningRule rule = Backpropagation.ThroughWeights(model, team, BackwardScope.LocalLossesWithinBlock);
        ParameterUpdate update = new(model.Values.Layout, new Sgd(Momentum: 0.9, WeightDecay: 0), team);
        using BatchLoader loader = new(data.Training, data.Mean, data.StandardDeviation, LearningBatch, plan.Seed);
        for (int step = 0, epoch = 0; step < plan.Steps; epoch++)
        {
            foreach (ImageBatch batch in loader.Epoch(epoch, cancellation: interruption).Take(plan.Steps - step))
            {
                if (!rule.Step(batch.Pixels, batch.Labels, (uint)step++).IsFinite)
                {
                    throw new TrainingDivergedException(string.Create(CultureInfo.InvariantCulture, $"The network diverged at step {step} before anything was measured. Take fewer --steps or another --seed."));
                }

                update.Apply(model.Values, rule.Gradients, LearningRate);
            }
        }
    }
}
