using Onward.Data;
using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Tests.Data;
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
        (ImageDataset data, Network model) = SmallProblem(
            training: 4_000, test: 400, network => network with { PatchesPerSide = 4, Channels = 64, Groups = 8, TokenMixer = mixer });
        float[] initial = model.Values[model.Blocks[1].Layers[0].Weight].ToArray();
        using WorkerTeam team = new(2);
        TrainingStep training = new(model, new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, 1, seed: 2), team);
        TrainingOptions options = new() { Epochs = 8, BatchSize = 32, LearningRate = 0.02, Seed = 2 };
        List<EpochMetrics> epochs = [];

        TrainingResult result = new Trainer(training, data, options, TimeProvider.System)
            .Run(epochEnded: epochs.Add, cancellation: TestContext.Current.CancellationToken);

        Assert.All(
            epochs.Zip(epochs.Skip(1)),
            pair => Assert.True(
                pair.Second.TrainLoss < pair.First.TrainLoss,
                $"epoch {pair.Second.Epoch}: {pair.Second.TrainLoss} after {pair.First.TrainLoss}"));
        Assert.InRange(epochs[^1].BlockLosses[0], 0, 0.9 * Math.Log(10));
        Assert.InRange(epochs[^1].BlockLosses[1], 0, 0.97 * epochs[^1].BlockLosses[0]);
        Assert.InRange(result.TestError, 0, 75);
        Assert.False(initial.AsSpan().SequenceEqual(model.Values[model.Blocks[1].Layers[0].Weight]));
    }

    // One step, from a readout of zeros: what is learnt is the rate times a gradient that the scale does not touch.
    [Fact]
    public void The_scale_of_the_readout_changes_its_rate_and_nothing_else()
    {
        Network full = AfterOneStep(1), scaled = AfterOneStep(0.1);

        foreach (Parameter parameter in full.Values.Layout.Parameters)
        {
            if (parameter == full.Readout.Weight || parameter == full.Readout.Bias)
            {
                Tolerance.Near(
                    [.. full.Values[parameter].ToArray().Select(value => 0.1 * value)],
                    scaled.Values[parameter],
                    Tolerance.Kernel,
                    parameter.Name);
            }
            else
            {
                Tolerance.Same(full.Values[parameter], scaled.Values[parameter], parameter.Name);
            }
        }
    }

    // The run on the left goes on with the model that it has; the run on the right loads it from the checkpoint.
    [Theory]
    [InlineData("supervised sgd")]
    [InlineData("supervised watched")]
    public void Training_goes_on_with_parameters_that_a_callback_has_changed(string kind)
    {
        const int ChangedAt = 6;
        using TemporaryFolder folder = new();
        int kept = 0;

        TrainedRun changed = new(kind, keep: checkpoint =>
        {
            if (kept++ == ChangedAt)
            {
                foreach (ref float value in checkpoint.Model.Values.All)
                {
                    value *= 1.25f;
                }

                checkpoint.Save(folder["run"]);
            }
        });

        Assert.InRange(kept, ChangedAt + 2, int.MaxValue);
        new TrainedRun(kind, Checkpoint.Load(folder["run"])).RequireSame(changed);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void A_scale_of_0_or_below_is_refused(double scale)
    {
        TrainingOptions options = new() { Epochs = 1, LearningRate = 0.1, ReadoutRateScale = scale, Seed = 1 };

        Assert.Contains("the scale of the readout's rate must be above 0", Assert.Throws<ArgumentException>(options.Validate).Message);
    }

    private static Network AfterOneStep(double readoutScale)
    {
        (ImageDataset data, Network model) = SmallProblem(training: 32, test: 32, network => network);
        float[] before = model.Values.All.ToArray();
        using WorkerTeam team = new(2);
        TrainingStep training = new(model, new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, 1, seed: 1), team);
        TrainingOptions options =
            new() { Epochs = 1, BatchSize = 32, LearningRate = 0.02, WarmupEpochs = 0, ReadoutRateScale = readoutScale, Seed = 1 };

        new Trainer(training, data, options, TimeProvider.System).Run(cancellation: TestContext.Current.CancellationToken);

        Assert.All(
            new[] { model.Readout.Weight, model.Blocks[0].Layers[0].Weight },
            parameter => Assert.False(model.Values[parameter].SequenceEqual(before.AsSpan(parameter.Offset, parameter.Length))));
        return model;
    }

    private static (ImageDataset Data, Network Model) SmallProblem(
        int training, int test, Func<LocalMixerOptions, LocalMixerOptions> change)
    {
        ImageDataset digits = DigitsSource.Load();
        ImageDataset data = digits with { Training = digits.Training.Take(training), Test = digits.Test.Take(test) };
        Network model = LocalMixer.Build(change(new LocalMixerOptions
        {
            Blocks = 2,
            PatchesPerSide = 2,
            Channels = 32,
            Groups = 4,
            ImageSide = data.Training.Width,
            ImageChannels = 1,
            Classes = data.Training.Classes,
        }));
        model.Initialize(1);
        return (data, model);
    }
}
