using Onward.Data;
using Onward.Kernels;
using Onward.Models;
using Onward.Threads;
using Onward.Training;

namespace Onward.Tests.Training;

public sealed class ReadoutTrainingTests
{
    private const int Images = 24;
    private const int Classes = 3;

    private static readonly LocalMixerOptions Options = new()
    {
        Blocks = 2,
        PatchesPerSide = 2,
        Channels = 32,
        Groups = 4,
        ImageSide = 8,
        ImageChannels = 1,
        Classes = Classes,
        Projection = 6,
    };

    // From weights of 0 all classes are equally likely, so the first step has a closed form.
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void First_step_is_that_of_softmax_regression_on_the_features(int threads)
    {
        Network model = Model();
        using WorkerTeam team = new(threads);
        LabelledImages images = Draw();
        using BatchLoader loader = new(images, [0.5f], [0.25f], Images, seed: 3);
        float[][] features = Features(model, loader, team, out int[] labels);

        new ReadoutTraining(model, team, Images, weightDecay: 0.1)
            .Run(loader, 0, rate: 0.5, steps: 1, cancellation: TestContext.Current.CancellationToken);

        double[] expected = new double[Options.Channels * Classes];
        for (int n = 0; n < Images; n++)
        {
            for (int i = 0; i < expected.Length; i++)
            {
                expected[i] -= 0.5 / Images * features[n][i / Classes] * ((1.0 / Classes) - (labels[n] == i % Classes ? 1 : 0));
            }
        }

        Tolerance.Near(expected, model.Values[model.Readout.Weight], Tolerance.Network, "readout");
    }

    [Fact]
    public void Training_lowers_the_error_and_touches_the_readout_alone()
    {
        Network model = Model();
        using WorkerTeam team = new(2);
        using BatchLoader loader = new(Draw(), [0.5f], [0.25f], 8, seed: 3);
        Evaluator evaluator = new(model, team);
        float[] before = model.Values.All.ToArray();
        double first = evaluator.Evaluate(loader, TestContext.Current.CancellationToken).Loss;
        ReadoutTraining readout = new(model, team, 8, weightDecay: 0);

        for (int epoch = 0; epoch < 80; epoch++)
        {
            readout.Run(loader, epoch, rate: 0.05, loader.StepsPerEpoch, cancellation: TestContext.Current.CancellationToken);
        }

        Evaluation after = evaluator.Evaluate(loader, TestContext.Current.CancellationToken);
        Assert.Equal(Math.Log(Classes), first, 1e-5);
        Assert.True(after.Loss < first / 4, $"{after.Loss} after {first}");
        Assert.Empty(after.BlockErrors);
        int untouched = model.Readout.Weight.Offset;
        Assert.Equal(before[..untouched], model.Values.All[..untouched].ToArray());
    }

    private static Network Model()
    {
        Network model = LocalMixer.Build(Options);
        model.Initialize(seed: 2);
        return model;
    }

    private static LabelledImages Draw()
    {
        byte[] pixels = new byte[Images * 64];
        CounterSequence random = new(new RandomStream(9, RandomPurpose.Data));
        for (int i = 0; i < pixels.Length; i++)
        {
            pixels[i] = (byte)random.NextInt32(256);
        }

        return new LabelledImages(pixels, Enumerable.Range(0, Images).Select(n => n % Classes).ToArray(), 8, 8, 1, Classes);
    }

    // The input features of the readout for one whole batch, in the order of the epoch.
    private static float[][] Features(Network model, BatchLoader loader, WorkerTeam team, out int[] labels)
    {
        model.Pack(team);
        ImageBatch batch = loader.Epoch(0).Single();
        labels = [.. batch.Labels];
        ForwardPass pass = new(model);
        return
        [
            .. Enumerable.Range(0, Images).Select(n =>
            {
                pass.Run(batch.PixelsOf(n, 1), 1);
                return pass.Features[..Options.Channels].ToArray();
            }),
        ];
    }
}
