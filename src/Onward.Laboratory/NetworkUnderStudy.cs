using System.Globalization;
using Onward.Data;
using Onward.Engine;
using Onward.Models;
using Onward.Optimizers;
using Onward.Rules;
using Onward.Threads;
using Onward.Training;

namespace Onward.Laboratory;

/// <summary>Trains a network for a few steps and measures its forward gradients on a batch.</summary>
internal static class NetworkUnderStudy
{
    /// <summary>Largest batch size: the number of training images.</summary>
    internal const int MostImages = DigitsSource.TrainingCount;

    private const int LearningBatch = 128;
    private const double LearningRate = 0.05;

    /// <summary>Trains the network, and measures its gradients on the first images of the training set.</summary>
    internal static IReadOnlyList<MixerEstimate> Measure(
        Func<int, int, int, Network> network,
        MixerExperimentOptions options,
        int batchSize,
        int steps,
        WorkerTeam team,
        CancellationToken interruption)
    {
        ImageDataset data = DigitsSource.Load();
        ImageSet images = data.Training;
        Network model = network(images.Width, images.Channels, images.Classes);
        model.Initialize(options.Seed);
        Learn(model, data, options.Seed, steps, team, interruption);
        using BatchLoader loader = new(images.Take(batchSize), data.Mean, data.StandardDeviation, batchSize, options.Seed);
        ImageBatch batch = loader.InOrder(interruption).First();
        float[] pixels = [.. batch.Pixels];
        int[] labels = [.. batch.Labels];
        return new MixerExperiment(model, team, pixels, labels).Run(options, interruption);
    }

    // Trains with exact gradients, so that the weights do not depend on the rules to be compared.
    private static void Learn(Network model, ImageDataset data, ulong seed, int steps, WorkerTeam team, CancellationToken interruption)
    {
        TrainingStep exact = new(model, Backpropagation.ThroughWeights(BackwardScope.LocalLossesWithinBlock), team);
        ParameterUpdate update = new(model.Values.Layout, new Sgd(Momentum: 0.9, WeightDecay: 0), team);
        using BatchLoader loader = new(data.Training, data.Mean, data.StandardDeviation, LearningBatch, seed);
        for (int step = 0, epoch = 0; step < steps; epoch++)
        {
            foreach (ImageBatch batch in loader.Epoch(epoch, cancellation: interruption).Take(steps - step))
            {
                if (!exact.Run(batch.Pixels, batch.Labels, (uint)step++).IsFinite)
                {
                    throw new TrainingDivergedException(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"The network diverged at step {step} before anything was measured. Take fewer --steps or another --seed."));
                }

                update.Apply(model.Values, exact.Gradients, LearningRate);
            }
        }
    }
}
