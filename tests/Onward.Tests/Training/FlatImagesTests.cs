using System.Numerics.Tensors;
using Onward.Data;
using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;
using Onward.Training;

namespace Onward.Tests.Training;

/// <summary>Trains on images with mostly constant patches, such as digits on a background, with the defaults of the command line.</summary>
public sealed class FlatImagesTests
{
    private const int Steps = 12;

    // With the paper's epsilon a flat patch multiplies the gradient of its layer's bias by up to 316, which drowns the image.
    [Theory]
    [InlineData(LocalMixerOptions.DefaultEpsilon, true)]
    [InlineData(LocalMixerOptions.PaperEpsilon, false)]
    public void Flat_patches_leave_the_biases_in_proportion(float epsilon, bool holds)
    {
        Network model = LocalMixer.Build(
            LocalMixerPresets.Get("M/8/16", imageSide: 28, imageChannels: 1, classes: 10) with { Epsilon = epsilon });
        model.Initialize(1);
        using WorkerTeam team = new(2);
        TrainingStep step = new(model, new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, passes: 1, seed: 1), team);
        TrainingOptions options =
            new() { Epochs = 1, BatchSize = 32, LearningRate = 0.05, WarmupEpochs = 0.5, MaximumSteps = Steps, Seed = 1 };
        LabelledImages training = ProceduralDigits.GenerateImages(1, 0, 32 * Steps);
        LabelledImages test = ProceduralDigits.GenerateImages(1, 32 * Steps, 64);
        (float[] mean, float[] deviation) = PixelStatistics.Of(training);

        new Trainer(step, new ImageDataset("digits", training, test, mean, deviation, "drawn"), options, TimeProvider.System)
            .Run(cancellation: TestContext.Current.CancellationToken);

        // Weights are drawn with a deviation of about 0.1, and a layer's outputs deviate by about 1.
        float largest = model.Blocks.SelectMany(block => block.Layers)
            .Max(layer => TensorPrimitives.MaxMagnitude<float>(model.Values[layer.Bias]));
        Assert.Equal(holds, Math.Abs(largest) < 4);
    }
}
