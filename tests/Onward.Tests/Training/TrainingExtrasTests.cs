using Onward.Communication;
using Onward.Engine;
using Onward.Models;
using Onward.Rules;
using Onward.Tests.Data;
using Onward.Threads;
using Onward.Training;

namespace Onward.Tests.Training;

/// <summary>Options of a run beside its steps: averaging weights, comparing gradients, early stopping.</summary>
public sealed class TrainingExtrasTests : IDisposable
{
    private const int Batch = 8;

    private readonly TemporaryFolder _folder = new();

    // Checkpoints hold the parameters of every step; from them the average is computed once more, in double precision. The run
    // adds in single precision, which over 12 steps comes to a few roundings.
    [Fact]
    public void The_model_of_a_run_is_the_moving_average_of_its_steps()
    {
        List<(float[] Values, float[] Average)> steps = [];

        TrainedRun run = new(
            "supervised watched",
            keep: checkpoint => steps.Add((checkpoint.Model.Values.All.ToArray(), checkpoint.Average!.All.ToArray())));

        double[] expected = Array.ConvertAll(steps[0].Values, value => (double)value);
        int step = 0;
        IEnumerable<(float[] Values, float[] Average)> changed = steps.Skip(1)
            .Where((kept, i) => !kept.Values.AsSpan().SequenceEqual(steps[i].Values));
        foreach ((float[] values, float[] average) in changed)
        {
            double decay = Math.Min(TrainedRun.AverageDecay, (1.0 + step) / (10 + step));
            expected = [.. expected.Zip(values, (before, value) => (decay * before) + ((1 - decay) * value))];
            Tolerance.Near(expected, average, Tolerance.Kernel, $"average after step {step++}");
        }

        Assert.Equal(TrainedRun.Epochs * TrainedRun.Steps, step);
        Tolerance.Near(expected, run.Model.Values.All, Tolerance.Kernel, "model");
        Assert.False(run.Model.Values.All.SequenceEqual(steps[^1].Values));
    }

    [Fact]
    public void Neither_the_average_nor_the_comparison_changes_the_steps()
    {
        float[] plain = [], watched = [];

        _ = new TrainedRun("supervised sgd", keep: checkpoint => plain = checkpoint.Model.Values.All.ToArray());
        _ = new TrainedRun("supervised watched", keep: checkpoint => watched = checkpoint.Model.Values.All.ToArray());

        Tolerance.Same(plain, watched, "parameters of the last step");
    }

    // The readout of a self-supervised network is trained on the features of the averaged network, and is not averaged.
    [Fact]
    public void Without_labels_the_readout_is_the_one_that_was_trained()
    {
        Network? kept = null;

        TrainedRun run = new("contrastive watched", keep: checkpoint =>
        {
            checkpoint.Save(_folder["run"]);
            kept = Checkpoint.Load(_folder["run"]).Model;
        });

        Tolerance.Same(kept!.Values[kept.Readout.Weight], run.Model.Values[run.Model.Readout.Weight], "readout");
        Assert.False(run.Model.Values.All.SequenceEqual(kept.Values.All));
    }

    // The estimate from one direction is longer than the gradient, and has a positive cosine with it.
    [Fact]
    public void Gradients_are_compared_with_those_of_backprop()
    {
        TrainedRun run = new("supervised watched");

        Assert.All(run.Metrics, epoch => Assert.Equal(2, epoch.Gradients.Count));
        Assert.All(run.Metrics.SelectMany(epoch => epoch.Gradients), block =>
        {
            Assert.InRange(block.Cosine, 0.01, 0.999);
            Assert.InRange(block.Norm, block.ExactNorm, 50 * block.ExactNorm);
        });
        Assert.Empty(new TrainedRun("supervised sgd").Metrics[0].Gradients);
    }

    [Fact]
    public void Agreement_is_that_of_the_vectors_of_a_block()
    {
        Network model = LocalMixer.Build(TrainedRun.SmallNetwork);
        ParameterVector estimate = new(model.Values.Layout), exact = new(model.Values.Layout);
        Random random = new(3);
        for (int i = 0; i < estimate.All.Length; i++)
        {
            (estimate.All[i], exact.All[i]) = ((float)random.NextDouble() - 0.3f, (float)random.NextDouble() - 0.6f);
        }

        GradientAgreement[] agreement = GradientAgreement.Measure(model, estimate, exact);

        foreach (NetworkBlock block in model.Blocks)
        {
            (double dot, double squares, double exactSquares) = (0, 0, 0);
            foreach (Parameter parameter in block.Layers.SelectMany(layer => new[] { layer.Weight, layer.Bias }))
            {
                for (int i = 0; i < parameter.Length; i++)
                {
                    dot += (double)estimate[parameter][i] * exact[parameter][i];
                    squares += Math.Pow(estimate[parameter][i], 2);
                    exactSquares += Math.Pow(exact[parameter][i], 2);
                }
            }

            Assert.Equal(Math.Sqrt(squares), agreement[block.Index].Norm, 1e-4 * Math.Sqrt(squares));
            Assert.Equal(Math.Sqrt(exactSquares), agreement[block.Index].ExactNorm, 1e-4 * Math.Sqrt(exactSquares));
            Assert.Equal(dot / Math.Sqrt(squares * exactSquares), agreement[block.Index].Cosine, 1e-5);
        }

        Assert.Equal(0, GradientAgreement.Measure(model, new ParameterVector(model.Values.Layout), exact)[0].Cosine);
    }

    [Fact]
    public void A_comparison_needs_a_step_of_the_same_network_in_the_same_processes()
    {
        Network model = Small(), other = Small();
        using WorkerTeam team = new(1);
        TrainingStep training = new(model, Backpropagation.ThroughWeights(BackwardScope.Readout), team);
        TrainingStep stranger = new(other, Backpropagation.ThroughWeights(BackwardScope.Readout), team);
        using RankGrid grid = new(new SingleProcess(), shares: 1, stages: 1);
        TrainingStep elsewhere = new(model, Backpropagation.ThroughWeights(BackwardScope.Readout), team, grid);
        TrainingOptions options = new() { Epochs = 1, BatchSize = Batch, LearningRate = 0.1, Seed = 1, ComparedSteps = 1 };

        foreach (TrainingStep? exact in new[] { null, stranger, elsewhere })
        {
            Assert.Contains(
                "no step of the same network in the same processes computes them",
                Assert.Throws<ArgumentException>(
                    () => new Trainer(training, TrainedRun.Digits(), options, TimeProvider.System, exact)).Message);
        }
    }

    // With a tiny learning rate nothing improves after the first epoch.
    [Theory]
    [InlineData(1, true)]
    [InlineData(3, true)]
    [InlineData(30, false)]
    public void A_run_ends_when_its_error_has_not_fallen_for_long_enough(int patience, bool early)
    {
        TrainedRun run = new(
            "supervised sgd", change: options => options with { Epochs = 10, LearningRate = 1e-30, WeightDecay = 0, Patience = patience });

        int lowest = run.Metrics.FindIndex(epoch => epoch.TestError == run.Metrics.Min(other => other.TestError)) + 1;
        Assert.Equal(early ? lowest + patience : 10, run.Metrics.Count);
        Assert.InRange(run.Metrics.Count, 1, early ? 9 : 10);
        Assert.Equal(run.Metrics.Count, run.Result!.Epochs);
    }

    [Fact]
    public void A_run_that_ended_early_has_nothing_left_to_do()
    {
        static TrainingOptions Impatient(TrainingOptions options) =>
            options with { Epochs = 10, LearningRate = 1e-30, WeightDecay = 0, Patience = 2 };
        TrainedRun run = new("supervised sgd", keep: checkpoint => checkpoint.Save(_folder["run"]), change: Impatient);

        new TrainedRun("supervised sgd", Checkpoint.Load(_folder["run"]), change: Impatient).RequireSame(run);
    }

    [Theory]
    [InlineData("supervised sgd", 2)]
    [InlineData("contrastive sgd", 4)]
    public void An_epoch_has_no_more_steps_than_it_may(string kind, int steps)
    {
        List<(int Epoch, int Step)> kept = [];

        TrainedRun run = new(
            kind,
            keep: checkpoint => kept.Add((checkpoint.Epochs.Count, checkpoint.Step + checkpoint.ReadoutStep)),
            change: options => options with { MaximumSteps = 2 });

        Assert.Equal(
            [
                (0, 0),
                .. Enumerable.Range(0, 3)
                .SelectMany(epoch => Enumerable.Range(1, steps).Select(step => (epoch, step)).Append((epoch + 1, 0))),
            ],
            kept);
        Assert.Equal(3, run.Result!.Epochs);
    }

    [Fact]
    public void What_is_out_of_range_is_refused()
    {
        TrainingOptions options =
            new() { Epochs = 1, LearningRate = 0.1, Seed = 1, MaximumSteps = 0, Patience = 0, AverageDecay = 1, ComparedSteps = -1 };

        string message = Assert.Throws<ArgumentException>(options.Validate).Message;

        Assert.Contains("the most steps of an epoch must be at least 1; got 0", message);
        Assert.Contains("patience must be at least 1 epoch; got 0", message);
        Assert.Contains("the decay of the average must be at least 0 and below 1; got 1", message);
        Assert.Contains("the steps to compare must be 0 or more; got -1", message);
    }

    public void Dispose() => _folder.Dispose();

    private static Network Small()
    {
        Network model = LocalMixer.Build(TrainedRun.SmallNetwork);
        model.Initialize(7);
        return model;
    }
}
