using Onward.Data;
using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Optimizers;
using Onward.Rules;
using Onward.Threads;
using Onward.Training;

namespace Onward.Tests.Training;

public sealed class TrainingWatchTests
{
    private const int Batch = 16;
    private const int StepsPerEpoch = 50;

    private static readonly ImageDataset Digits =
        new(
            "digits",
            ProceduralDigits.GenerateImages(5, 0, StepsPerEpoch * Batch),
            ProceduralDigits.GenerateImages(5, 10_000, 20),
            [0.2f],
            [0.3f],
            "drawn");

    [Theory]
    [InlineData("LG-FG-A", 0.02)]
    [InlineData("FG-A", 0.01)]
    [InlineData("BP", 0.1)]
    public void A_run_that_learns_gets_no_advice(string rule, double rate)
    {
        Run run = new(rule, rate);

        Assert.InRange(run.Metrics[^1].TrainLoss, 0, 2);
        Assert.Empty(run.Advice);
        Assert.All(run.Metrics, epoch => Assert.Empty(epoch.Advice));
    }

    [Fact]
    public void A_loss_that_rises_is_told_once_with_a_lower_rate()
    {
        Run run = new("LG-FG-A", 3);

        TrainingAdvice advice = Assert.Single(run.Advice, advice => advice.Kind == AdviceKind.LossRises);
        Assert.Equal(("block 0", 1, 0.6), (advice.Subject, advice.Epoch, advice.SuggestedRate!.Value));
        Assert.True(advice.To > advice.From + 1);
        Assert.StartsWith("the loss of block 0 rose from ", advice.Message);
        Assert.EndsWith(": the learning rate 3 is too high for it", advice.Message);
        Assert.Contains(advice.Message, run.Metrics[0].Advice);
        Assert.Equal(run.Told, run.Advice);
    }

    [Fact]
    public void A_parameter_that_has_grown_is_named()
    {
        Run run = new("LG-FG-A", 0.01, model => model.Values[model.Blocks[0].Layers[0].Bias].Fill(15));

        TrainingAdvice advice = Assert.Single(run.Advice, advice => advice.Kind == AdviceKind.ParameterGrows);
        Assert.EndsWith(".bias", advice.Subject);
        Assert.InRange(advice.To, 10, 20);
        Assert.Equal(20, advice.Step);
    }

    [Fact]
    public void A_loss_that_stays_at_that_of_guessing_is_told_after_enough_steps()
    {
        Run run = new("LG-FG-A", 1e-9);

        TrainingAdvice advice = Assert.Single(run.Advice);
        Assert.Equal((AdviceKind.LossStays, 4, "block 0"), (advice.Kind, advice.Epoch, advice.Subject));
        Assert.Null(advice.SuggestedRate);
    }

    // BP does not train the local heads, so their losses may rise or stay.
    [Fact]
    public void Heads_that_nothing_trains_are_neither_shown_nor_judged()
    {
        Run run = new("BP", 0.1);

        Assert.All(run.Metrics, epoch => Assert.Empty(epoch.BlockLosses));
        Assert.Empty(run.Result!.BlockTestErrors);
    }

    [Fact]
    public void A_run_that_goes_on_is_not_given_the_same_advice_again()
    {
        string file = Path.GetTempFileName();
        try
        {
            Run whole = new("LG-FG-A", 3), stopped = new("LG-FG-A", 3, stopAfter: 1, keep: checkpoint => checkpoint.Save(file));

            Run resumed = new("LG-FG-A", 3, from: Checkpoint.Load(file));

            Assert.Null(stopped.Result);
            Assert.NotEmpty(stopped.Told);
            Assert.Equal(whole.Advice, resumed.Advice);
            Assert.Equal(whole.Told, [.. stopped.Told, .. resumed.Told]);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private sealed class Run
    {
        public Run(
            string name,
            double rate,
            Action<Network>? change = null,
            int stopAfter = 0,
            Action<Checkpoint>? keep = null,
            Checkpoint? from = null)
        {
            Network model = LocalMixer.Build(TrainedRun.SmallNetwork with { Channels = 64 });
            model.Initialize(3);
            change?.Invoke(model);
            TrainingOptions options = new()
            {
                Epochs = 4,
                BatchSize = Batch,
                LearningRate = rate,
                WarmupEpochs = 0.2,
                Schedule = ScheduleShape.Constant,
                Seed = 3,
            };
            using WorkerTeam team = new(2);
            LearningRule rule = name switch
            {
                "BP" => Backpropagation.ThroughWeights(BackwardScope.Readout),
                _ => new ForwardGradient(NoiseDistribution.Gaussian, name == "FG-A" ? LossScope.Global : LossScope.All, 1, seed: 3),
            };
            Trainer trainer = new(new TrainingStep(model, rule, team), Digits, options, TimeProvider.System) { Advised = Told.Add };
            if (from is not null)
            {
                trainer.Resume(from);
            }

            using CancellationTokenSource stop = new();
            try
            {
                Result = trainer.Run(epochEnded: Ended, checkpoint: keep, cancellation: stop.Token);
            }
            catch (OperationCanceledException)
            {
            }

            Advice = trainer.Advice;

            void Ended(EpochMetrics epoch)
            {
                Metrics.Add(epoch);
                if (epoch.Epoch == stopAfter)
                {
                    stop.Cancel();
                }
            }
        }

        public List<TrainingAdvice> Told { get; } = [];

        public List<EpochMetrics> Metrics { get; } = [];

        public IReadOnlyList<TrainingAdvice> Advice { get; }

        public TrainingResult? Result { get; }
    }
}
