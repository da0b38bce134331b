using System.Numerics.Tensors;
using Onward.Communication;
using Onward.Data;
using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;
using Onward.Training;

namespace Onward.Mpi.Tests;

/// <summary>Compares the weights after 200 steps on several ranks with those of a single process.</summary>
[Trait("Category", "Mpi")]
public sealed class AgreementTests
{
    private const int Steps = 200;
    private const int Batch = 16;
    private const double Most = 1e-5;

    // SGD amplifies rounding errors: with a rate ten times as high, a difference in the last bit of a sum grows more than a
    // thousandfold in 200 steps.
    private const double Rate = 1e-4;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void Weights_agree_with_those_of_one_process(int ranks)
    {
        MpiRun.Require();
        MpiRun.Test(ranks, $"{typeof(AgreementTests).FullName}.{nameof(On_ranks)}");
    }

    [Fact]
    public void On_ranks()
    {
        MpiRun.RequireRank();
        using MpiCommunicator world = MpiCommunicator.Open();
        foreach (bool forward in new[] { true, false })
        {
            float[] one = Train(forward, null);
            foreach (int stages in new[] { 1, Math.Max(1, world.Count / 2), world.Count }.Distinct())
            {
                using RankGrid grid = new(world, world.Count / stages, stages);
                float[] shared = Train(forward, grid);
                float[] difference = new float[one.Length];
                TensorPrimitives.Subtract(one, shared, difference);
                double relative = TensorPrimitives.Norm<float>(difference) / TensorPrimitives.Norm<float>(one);
                if (world.Rank == 0)
                {
                    Console.WriteLine($"{(forward ? "LG-FG-A" : "LG-BP")} on {grid.Share.Count}x{grid.Stages}: {relative:E2}");
                }

                Assert.InRange(relative, 0, Most);
            }
        }
    }

    private static float[] Train(bool forward, RankGrid? grid)
    {
        Network model = LocalMixer.Build(new LocalMixerOptions
        {
            Blocks = 8,
            PatchesPerSide = 4,
            Channels = 32,
            Groups = 4,
            ImageSide = 28,
            ImageChannels = 1,
            Classes = 10,
        });
        model.Initialize(seed: 3);
        using WorkerTeam team = new(1);
        LearningRule rule = forward
            ? new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, passes: 1, seed: 3)
            : Backpropagation.ThroughWeights(BackwardScope.LocalLossesWithinBlock);
        TrainingOptions options = new() { Epochs = 2, BatchSize = Batch, LearningRate = Rate, Seed = 3 };
        new Trainer(new TrainingStep(model, rule, team, grid), Digits(), options, TimeProvider.System).Run();
        return model.Values.All.ToArray();
    }

    private static ImageDataset Digits() =>
        new(
            "digits",
            ProceduralDigits.GenerateImages(5, 0, Steps / 2 * Batch),
            ProceduralDigits.GenerateImages(5, 50_000, 40),
            [0.2f],
            [0.3f],
            "drawn");
}
