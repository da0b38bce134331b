using Onward.Data;
using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;
using Onward.Training;

namespace Onward.Onnx.Tests;

/// <summary>Trained networks: the exported file makes the same prediction as the library for every image.</summary>
public sealed class PredictionTests
{
    private const int Images = 1000;
    private const int TrainingImages = 2000;

    [Fact]
    public void A_thousand_digits() => RequireSamePredictions(DigitsSource.Load(), "S/1/1");

    [Fact]
    public void A_thousand_digits_of_MNIST() =>
        RequireSamePredictions(new MnistSource().Load(MnistOrSkip(), cancellation: TestContext.Current.CancellationToken), "M/1/16");

    private static void RequireSamePredictions(ImageDataset data, string preset)
    {
        ImageSet training = data.Training.Take(TrainingImages), test = data.Test.Take(Images);
        Network model = LocalMixer.Build(LocalMixerPresets.Get(preset, training.Height, training.Channels, training.Classes));
        model.Initialize(seed: 1);
        using WorkerTeam team = new(2);
        TrainingStep step = new(model, new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, passes: 1, seed: 1), team);
        TrainingOptions options = new() { Epochs = 2, LearningRate = 0.02, Seed = 1 };
        new Trainer(step, data with { Training = training, Test = test }, options, TimeProvider.System)
            .Run(cancellation: TestContext.Current.CancellationToken);
        using BatchLoader loader = BatchLoader.ForEvaluation(test, data.Mean, data.StandardDeviation);
        Evaluation evaluation = new Evaluator(model, team).Evaluate(loader, TestContext.Current.CancellationToken);
        using Onnx onnx = new(model, ImageDescription.Of(data));

        // Compares predictions from the original pixels with those of the graph.
        float[] pixels = new float[Images * test.ImageLength];
        RawImage image = new();
        for (int i = 0; i < Images; i++)
        {
            Assert.True(test.TryRead(i, image));
            for (int j = 0; j < test.ImageLength; j++)
            {
                pixels[(i * test.ImageLength) + j] = image.Pixels[j];
            }
        }

        int[] exported = Answers(onnx.Run(pixels, [Images, test.Height, test.Width, test.Channels])["probabilities"], test.Classes);

        Assert.InRange(evaluation.Error, 0, 60);
        Assert.Equal(Library(model, loader), exported);
        Assert.Equal(evaluation.Error, exported.Where((answer, i) => answer != test.Labels.Span[i]).Count() * 100.0 / Images, 9);
    }

    private static int[] Library(Network model, BatchLoader loader)
    {
        Predictor predictor = new(model);
        float[] probabilities = new float[model.Classes];
        List<int> answers = [];
        foreach (ImageBatch batch in loader.InOrder(TestContext.Current.CancellationToken))
        {
            for (int i = 0; i < batch.Count; i++)
            {
                predictor.Predict(batch.PixelsOf(i, 1), probabilities);
                answers.AddRange(Answers(probabilities, probabilities.Length));
            }
        }

        return [.. answers];
    }

    private static int[] Answers(float[] probabilities, int classes) =>
        [.. probabilities.Chunk(classes).Select(one => Array.IndexOf(one, one.Max()))];

    // In ONWARD_DATA, or in shared/data beside the repository.
    private static string MnistOrSkip()
    {
        List<string> folders = [];
        if (Environment.GetEnvironmentVariable("ONWARD_DATA") is { Length: > 0 } root)
        {
            folders.AddRange(root, Path.Combine(root, "mnist"));
        }

        for (DirectoryInfo? above = new(AppContext.BaseDirectory); above is not null; above = above.Parent)
        {
            folders.Add(Path.Combine(above.FullName, "shared", "data", "mnist"));
        }

        string? found = folders.Find(folder => Directory.Exists(folder) && Directory.EnumerateFiles(folder, "t10k-images*").Any());
        Assert.SkipWhen(found is null, "MNIST is not on this machine: name its folder with ONWARD_DATA.");
        return found!;
    }
}
