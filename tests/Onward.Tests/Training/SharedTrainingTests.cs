using Onward.Communication;
using Onward.Data;
using Onward.Data.Augmentation;
using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Tests.Communication;
using Onward.Threads;
using Onward.Training;

namespace Onward.Tests.Training;

/// <summary>Compares runs shared by several processes with a run of one process. Threads stand for processes here.</summary>
/// <remarks>The tests in Onward.Mpi.Tests use real processes.</remarks>
public sealed class SharedTrainingTests
{
    private const int Epochs = 2;
    private const int Batch = 18;

    [Theory]
    [InlineData("LG-FG-A", 3, 1)]
    [InlineData("LG-FG-A", 1, 4)]
    [InlineData("LG-FG-A", 2, 2)]
    [InlineData("LG-BP", 1, 2)]
    [InlineData("LG-BP", 2, 1)]
    [InlineData("LG-FG-W", 4, 1)]
    [InlineData("LG-FG-W", 2, 3)]
    [InlineData("BP", 2, 1)]
    [InlineData("BP, recomputed", 2, 1)]
    [InlineData("DFA", 2, 1)]
    [InlineData("FG-A", 2, 1)]
    [InlineData("FG-A, feedback", 2, 1)]
    [InlineData("LG-FG-A, feedback", 3, 1)]
    [InlineData("LG-FG-A, feedback", 1, 4)]
    [InlineData("LG-FG-A, feedback", 2, 2)]
    [InlineData("LG-BP, overlapping", 2, 1)]
    [InlineData("LG-FG-A, contrastive", 3, 1)]
    [InlineData("LG-FG-A, contrastive", 1, 3)]
    [InlineData("LG-BP, contrastive", 2, 2)]
    [InlineData("LG-FG-A, adamw", 1, 4)]
    [InlineData("LG-FG-A, adamw", 2, 2)]
    [InlineData("LG-FG-A, muon", 1, 3)]
    [InlineData("LG-FG-A, clipped", 1, 4)]
    [InlineData("LG-FG-A, clipped", 2, 2)]
    public void Processes_come_to_what_one_process_comes_to(string kind, int shares, int stages)
    {
        Outcome one = Train(kind, null);
        Outcome[] all = TrainOn(kind, shares, stages);

        foreach (Outcome outcome in all)
        {
            if (shares == 1 && !kind.EndsWith("contrastive", StringComparison.Ordinal))
            {
                Tolerance.Same(one.Values, outcome.Values, "blocks of their own: the sums of one process");
            }
            else
            {
                Tolerance.Near(one.Changes, outcome.Changes, Tolerance.Drift, $"{kind} on {shares} x {stages}");
            }

            Tolerance.Same(all[0].Values, outcome.Values, "the same bits in every process");
            Assert.Equal(one.Epochs[^1].TrainLoss, outcome.Epochs[^1].TrainLoss, 1e-4);

            // A share of 1e-5: the sum of three blocks' contrastive losses is above 15, and float32 keeps seven digits of each.
            double blocks = one.Epochs[^1].BlockLosses.Sum();
            Assert.Equal(blocks, outcome.Epochs[^1].BlockLosses.Sum(), Math.Max(1e-4, 1e-5 * blocks));
            Assert.Equal(one.Epochs[^1].TestLoss, outcome.Epochs[^1].TestLoss, 1e-4);
        }
    }

    // A resumed run gives the same bits if the grid is the same, because sums are then computed in the same order.
    [Theory]
    [InlineData(2, 1, 1, 1)]
    [InlineData(1, 1, 1, 4)]
    [InlineData(1, 3, 2, 2)]
    [InlineData(2, 2, 2, 2)]
    public void A_run_goes_on_with_other_processes(int shares, int stages, int thenShares, int thenStages)
    {
        Outcome whole = Train("LG-FG-A", null);
        string path = Path.GetTempFileName();
        TrainOn("LG-FG-A", shares, stages, stopAfter: 5, keep: checkpoint => checkpoint.Save(path));

        Outcome[] rest = TrainOn("LG-FG-A", thenShares, thenStages, from: path);

        Tolerance.Near(whole.Changes, rest[0].Changes, Tolerance.Drift, "parameters");
        Assert.Equal(whole.Epochs[^1].TrainLoss, rest[0].Epochs[^1].TrainLoss, 1e-4);
        File.Delete(path);
    }

    [Fact]
    public void All_processes_find_a_divergence_in_the_same_step() => ThreadRanks.Run(4, world =>
    {
        using RankGrid grid = new(world, 1, 4);
        Assert.Throws<TrainingDivergedException>(() => Train("LG-FG-A", grid, rate: 1e30));
    });

    [Theory]
    [InlineData("BP", 2)]
    [InlineData("DFA", 2)]
    [InlineData("LG-BP, overlapping", 2)]
    [InlineData("LG-FG-A", 5)]
    public void Blocks_are_not_dealt_out_where_they_depend_on_one_another_or_do_not_suffice(string kind, int stages) =>
        ThreadRanks.Run(stages, world =>
    {
        using RankGrid grid = new(world, 1, stages);
        Assert.Throws<ArgumentException>(() => Train(kind, grid));
    });

    [Fact]
    public void Other_parameters_in_one_process_are_refused() => ThreadRanks.Run(2, world =>
    {
        using RankGrid grid = new(world, 2, 1);
        Assert.Throws<RankMismatchException>(() => Train("LG-FG-A", grid, modelSeed: (ulong)world.Rank));
    });

    [Fact]
    public void Other_pixels_in_one_process_are_refused() => ThreadRanks.Run(2, world =>
    {
        using RankGrid grid = new(world, 2, 1);
        ImageDataset data = Digits();
        LabelledImages images = Assert.IsType<LabelledImages>(data.Training);
        byte[] pixels = images.Pixels.ToArray();
        pixels[^1] ^= (byte)world.Rank;
        ImageDataset mine = data with { Training = new LabelledImages(pixels, images.Labels, 28, 28, 1, 10) };
        Assert.Contains(
            "Images differ between processes", Assert.Throws<RankMismatchException>(() => Train("LG-FG-A", grid, data: mine)).Message);
    });

    private static Outcome[] TrainOn(
        string kind, int shares, int stages, int stopAfter = int.MaxValue, Action<Checkpoint>? keep = null, string? from = null)
    {
        Outcome[] outcomes = new Outcome[shares * stages];
        ThreadRanks.Run(outcomes.Length, world =>
        {
            using RankGrid grid = new(world, shares, stages);
            outcomes[world.Rank] = Train(kind, grid, stopAfter, keep is null || world.Rank == 0 ? keep : _ => { }, from);
        });
        return outcomes;
    }

    private static Outcome Train(
        string kind,
        RankGrid? grid,
        int stopAfter = int.MaxValue,
        Action<Checkpoint>? keep = null,
        string? from = null,
        double rate = 1e-4,
        ulong modelSeed = 7,
        ImageDataset? data = null)
    {
        bool contrastive = kind.EndsWith("contrastive", StringComparison.Ordinal);
        Network model = LocalMixer.Build(new LocalMixerOptions
        {
            Blocks = 4,
            PatchesPerSide = 4,
            Channels = 32,
            Groups = 4,
            ImageSide = 28,
            ImageChannels = 1,
            Classes = 10,
            Projection = contrastive ? 6 : 0,
        });
        model.Initialize(modelSeed);
        float[] initial = model.Values.All.ToArray();
        using WorkerTeam team = new(1);
        TrainingOptions options = new()
        {
            Epochs = Epochs,
            BatchSize = Batch,
            LearningRate = rate,
            Optimizer = Enum.TryParse(kind.Split(' ')[^1], ignoreCase: true, out OptimizerKind optimizer) ? optimizer : OptimizerKind.Sgd,
            ClipNorm = kind.EndsWith("clipped", StringComparison.Ordinal) ? 0.01 : null,
            Augmentation = contrastive ? ViewRecipe.ContrastiveFirst : ViewRecipe.PaddedCrop,
            SecondView = contrastive ? ViewRecipe.ContrastiveSecond : null,
            CheckpointInterval = TimeSpan.Zero,
            Seed = 7,
        };
        Trainer trainer = new(new TrainingStep(model, Rule(kind), team, grid), data ?? Digits(), options, TimeProvider.System);
        List<EpochMetrics> epochs = [];
        if (from is not null)
        {
            Checkpoint checkpoint = Checkpoint.Load(from);
            trainer.Resume(checkpoint);
            epochs.AddRange(checkpoint.Epochs);
        }

        using CancellationTokenSource stop = new();
        int kept = 0;
        try
        {
            trainer.Run(null, epochs.Add, keep is null ? null : Keep, stop.Token);
        }
        catch (OperationCanceledException) when (stopAfter < int.MaxValue)
        {
        }

        return new Outcome(initial, model.Values.All.ToArray(), epochs);

        void Keep(Checkpoint checkpoint)
        {
            keep(checkpoint);
            if (kept++ == stopAfter && (grid is null || grid.World.Rank == 0))
            {
                stop.Cancel();
            }
        }
    }

    private static LearningRule Rule(string kind)
    {
        BackwardScope ownLosses = kind.EndsWith("overlapping", StringComparison.Ordinal)
            ? BackwardScope.LocalLossesOverlapping
            : BackwardScope.LocalLossesWithinBlock;
        bool predicts = kind.EndsWith("feedback", StringComparison.Ordinal);
        bool recomputes = kind.EndsWith("recomputed", StringComparison.Ordinal);
        NoiseSites sites = predicts ? NoiseSites.Hidden : NoiseSites.All;
        ControlVariate controlVariate = predicts ? ControlVariate.LearnedFeedback : ControlVariate.None;
        return kind.Split(',')[0] switch
        {
            "BP" => Backpropagation.ThroughWeights(BackwardScope.Readout, recompute: recomputes),
            "LG-BP" => Backpropagation.ThroughWeights(ownLosses),
            "DFA" => new DirectFeedbackAlignment(seed: 7),
            "LG-FG-W" => new WeightForwardGradient(NoiseDistribution.Gaussian, LossScope.All, passes: 2, seed: 7),
            "FG-A" => Activities(LossScope.Global, layerwise: false),
            _ => Activities(LossScope.All, layerwise: predicts),
        };

        ForwardGradient Activities(LossScope scope, bool layerwise) => new(
            NoiseDistribution.Gaussian,
            scope,
            passes: 1,
            seed: 7,
            layerwise: layerwise,
            sites: sites,
            controlVariate: controlVariate);
    }

    private static ImageDataset Digits() =>
        new(
            "digits",
            ProceduralDigits.GenerateImages(5, 0, (10 * Batch) + 3),
            ProceduralDigits.GenerateImages(5, 1000, 37),
            [0.2f],
            [0.3f],
            "drawn");

    private sealed record Outcome(float[] Initial, float[] Values, List<EpochMetrics> Epochs)
    {
        public float[] Changes => [.. Values.Zip(Initial, (value, initial) => value - initial)];
    }
}
