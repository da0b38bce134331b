using Onward.Data;
using Onward.Learning;
using Onward.Models;
using Onward.Threads;
using Onward.Training;

namespace Onward.Tests.Training;

public sealed class TrainerTests
{
    // A guess has a loss of ln 10 and an error of 90 %. The second block, which mixes patches, must do better than the first.
    [Theory]
    [InlineData(TokenMixer.Matrix)]
    [InlineData(TokenMixer.DepthwiseConvolution)]
    public void A_small_network_learns_digits_by_forward_gradients(TokenMixer mixer)
    {
        ImageDataset digits = DigitsSource.Load();
        ImageDataset data = digits with { Training = digits.Training.Take(4_000), Test = digits.Test.Take(400) };
        LocalMixer model = new(new LocalMixerOptions
        {
            Blocks = 2,
            PatchesPerSide = 4,
            Channels = 64,
            Groups = 8,
            ImageSide = data.Training.Width,
            ImageChannels = 1,
            Classes = data.Training.Classes,
            TokenMixer = mixer,
        });
        model.Initialize(1);
        float[] initial = model.Values[model.Blocks[1].Layers[0].Weight].ToArray();
        using WorkerTeam team = new(2);
        ForwardGradient rule = new(model, team, NoiseDistribution.Gaussian, LossScope.All, 1, seed: 1);
        TrainingOptions options = new() { Epochs = 8, BatchSize = 32, LearningRate = 0.02, Seed = 1 };
        List<EpochMetrics> epochs = [];

        TrainingResult result = new Trainer(model, rule, team, data, options, TimeProvider.System).Run(epochEnded: epochs.Add, cancellation: TestContext.Current.CancellationToken);

        Assert.All(epochs.Zip(epochs.Skip(1)), pair => Assert.True(pair.Second.TrainLoss < pair.First.TrainLoss, $"epoch {pair.Second.Epoch}: {pair.Second.TrainLoss} after {pair.First.TrainLoss}"));
        Assert.InRange(epochs[^1].BlockLosses[0], 0, 0.9 * Math.Log(10));
        Assert.InRange(epochs[^1].BlockLosses[1], 0, 0.97 * epochs[^1].BlockLosses[0]);
        Assert.InRange(result.TestError, 0, 75);
        Assert.False(initial.AsSpan().SequenceEqual(model.Values[model.Blocks[1].Layers[0].Weight]));
    }
}
