using System.Numerics.Tensors;
using Onward.Engine;
using Onward.Kernels;
using Onward.Layers;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;

namespace Onward.Tests.Rules;

/// <summary>
/// The fit of predictions, and the noise with and without them. The tests of identities show that no prediction changes the mean.
/// </summary>
public sealed class LearnedFeedbackTests
{
    /// <summary>Scope, layerwise, passes, noise, projection.</summary>
    public static TheoryData<LossScope, bool, int, NoiseDistribution, int> Rules => new()
    {
        { LossScope.All, true, 1, NoiseDistribution.Gaussian, 0 },
        { LossScope.All, false, 1, NoiseDistribution.Rademacher, 0 },
        { LossScope.All, true, 4, NoiseDistribution.Gaussian, 0 },
        { LossScope.All, true, 1, NoiseDistribution.Gaussian, 4 },
        { LossScope.Block, true, 2, NoiseDistribution.Orthogonal, 0 },
        { LossScope.Block | LossScope.Group, false, 1, NoiseDistribution.Gaussian, 0 },
        { LossScope.Global, false, 1, NoiseDistribution.Gaussian, 0 },
        { LossScope.Global, false, 2, NoiseDistribution.Rademacher, 4 },
    };

    // The weights themselves are matrices that explain all, layer by layer from the last: with them as B a prediction is the gradient. Of a
    // network
    // that stands still, the fit must come there from 0. Where two layers are perturbed at once, each has the other's noise in it, which no
    // prediction of
    // its own takes away. A global loss gathers 2000 numbers of noise for 90 examples here: too little is learnt in so few steps, but no
    // harm may be done.
    [Theory]
    [MemberData(nameof(Rules))]
    public void On_a_network_that_stands_still_the_noise_goes_away(
        LossScope scope, bool layerwise, int passes, NoiseDistribution noise, int projection)
    {
        Network model = Model(projection);
        using WorkerTeam team = new(2);
        TrainingStep training = Create(model, team, scope, layerwise, passes, noise);
        Run(training, 0, 150);

        Assert.All(
            Layers(model, training),
            layer => Assert.InRange(Feedback(training).NoiseLeft(layer), 0, scope == LossScope.Global ? 1.1 : layerwise ? 0.01 : 0.75));
    }

    [Fact]
    public void The_weights_as_feedback_leave_no_noise()
    {
        foreach (LossScope scope in (LossScope[])[LossScope.All, LossScope.Global])
        {
            SmallNetwork network = new(blocks: 3, scaled: PatchPooling.Average);
            using WorkerTeam team = new(1);
            TrainingStep training = Create(network.Model, team, scope);
            LearnedFeedback feedback = Feedback(training);
            feedback.IsFitted = false;
            foreach (NetworkLayer layer in network.Layers.Where(layer => feedback.Of(layer) is not null))
            {
                network.Model.Values[layer.Weight].CopyTo(feedback.Matrices[feedback.Of(layer)!.Matrix]);
            }

            BackwardScope target = scope == LossScope.Global ? BackwardScope.Readout : BackwardScope.LocalLossesWithinBlock;
            network.RequireEqualTrunks(network.Gradients(Backpropagation.ThroughWeights(target)), network.Gradients(training));
        }
    }

    // Draws are independent, and the matrices that a draw meets come from the draws before it: so the mean of n estimates has 1 / n of the
    // variance, less as the predictions learn. Four times as many draws halve the distance or better; 0.7 leaves room for chance.
    [Theory]
    [InlineData(LossScope.All)]
    [InlineData(LossScope.Global)]
    public void The_mean_of_draws_comes_to_the_gradient_while_the_feedback_learns(LossScope scope)
    {
        Network model = Model(0);
        using WorkerTeam team = new(2);
        TrainingStep training = Create(model, team, scope);
        TrainingStep exact = new(
            model,
            Backpropagation.ThroughWeights(scope == LossScope.Global ? BackwardScope.Readout : BackwardScope.LocalLossesWithinBlock),
            team);
        (float[] pixels, int[] labels) = Batch(0);
        exact.Run(pixels, labels, 0);
        double[] sum = new double[model.Values.All.Length];
        List<double> distances = [];
        for (int draws = 1; draws <= 1024; draws++)
        {
            training.Run(pixels, labels, (uint)draws * LearnedFeedback.StepsPerFit);
            for (int i = 0; i < sum.Length; i++)
            {
                sum[i] += training.Gradients.All[i];
            }

            if (draws is 16 or 64 or 256 or 1024)
            {
                distances.Add(Distance(model, exact.Gradients.All, [.. sum.Select(value => (float)(value / draws))]));
            }
        }

        Assert.All(distances.Zip(distances.Skip(1)), pair => Assert.InRange(pair.Second / pair.First, 0, 0.7));
    }

    // A prediction that saw its own noise would be biased. It cannot: matrices change when a step is complete.
    [Fact]
    public void A_prediction_does_not_depend_on_the_noise_it_is_used_with()
    {
        SmallNetwork network = new(blocks: 3);
        using WorkerTeam team = new(2);
        TrainingStep training = Create(network.Model, team, LossScope.All);
        for (uint fit = 0; fit < 5; fit++)
        {
            network.Gradients(training, fit * LearnedFeedback.StepsPerFit);
        }

        const uint Last = 5 * LearnedFeedback.StepsPerFit;
        float[] before = [.. Feedback(training).Matrices.All], fitted = network.Gradients(training, Last);
        Assert.NotEqual(before, Feedback(training).Matrices.All.ToArray());
        before.CopyTo(Feedback(training).Matrices.All);
        Feedback(training).IsFitted = false;

        Assert.Equal(fitted, network.Gradients(training, Last));
        Assert.Equal(before, Feedback(training).Matrices.All.ToArray());
    }

    [Fact]
    public void Steps_between_fits_use_the_matrices_and_leave_them()
    {
        SmallNetwork network = new(blocks: 3);
        using WorkerTeam team = new(2);
        TrainingStep training = Create(network.Model, team, LossScope.All);
        network.Gradients(training, 0);
        const uint Between = LearnedFeedback.FirstSteps + 1;
        float[] fitted = [.. Feedback(training).Matrices.All], gradients = network.Gradients(training, Between);
        Assert.Equal(fitted, Feedback(training).Matrices.All.ToArray());
        Feedback(training).Matrices.All.Clear();

        Assert.NotEqual(gradients, network.Gradients(training, Between));
        Assert.Equal(0, TensorPrimitives.SumOfSquares<float>(Feedback(training).Matrices.All));
    }

    [Fact]
    public void The_first_step_is_that_of_the_rule_without_predictions()
    {
        SmallNetwork network = new(blocks: 3);
        using WorkerTeam team = new(1);
        ForwardGradient plain = new(NoiseDistribution.Gaussian, LossScope.All, 1, seed: 1, sites: NoiseSites.Hidden);

        network.RequireEqualTrunks(
            network.Gradients(plain), network.Gradients(Create(network.Model, team, LossScope.All, layerwise: false)));
    }

    [Theory]
    [InlineData(LossScope.All, 0.3)]
    [InlineData(LossScope.Global, 0.3)]
    public void Feedback_that_does_harm_shrinks_until_it_does_none(LossScope scope, float scale)
    {
        Network model = Model(0);
        using WorkerTeam team = new(2);
        TrainingStep training = Create(model, team, scope);
        foreach (FeedbackLayer layer in Layers(model, training))
        {
            CounterRandom.Normals(new RandomStream(3, RandomPurpose.Feedback), 0, Feedback(training).Matrices[layer.Matrix]);
            TensorPrimitives.Multiply(Feedback(training).Matrices[layer.Matrix], scale, Feedback(training).Matrices[layer.Matrix]);
        }

        Run(training, 0, 1);

        Assert.All(Layers(model, training), layer => Assert.InRange(Feedback(training).NoiseLeft(layer), 1.1, double.MaxValue));
        Run(training, 1, 200);

        Assert.All(Layers(model, training), layer => Assert.InRange(Feedback(training).NoiseLeft(layer), 0, 1.1));
    }

    // Through a chain of layers predictions that are too long can grow without bound before matrices have shrunk.
    [Fact]
    public void Feedback_that_ruins_a_step_is_given_up_at_once()
    {
        Network model = Model(0);
        using WorkerTeam team = new(1);
        TrainingStep training = Create(model, team, LossScope.Global);
        FeedbackLayer[] layers = Layers(model, training);
        foreach (FeedbackLayer layer in layers)
        {
            CounterRandom.Normals(new RandomStream(3, RandomPurpose.Feedback), 0, Feedback(training).Matrices[layer.Matrix]);
            TensorPrimitives.Multiply(Feedback(training).Matrices[layer.Matrix], 5, Feedback(training).Matrices[layer.Matrix]);
        }

        Run(training, 0, 1);

        Assert.All(layers, layer => Assert.Equal(0, TensorPrimitives.SumOfSquares<float>(Feedback(training).Matrices[layer.Matrix])));
        Run(training, 1, 60);
        Assert.All(layers, layer => Assert.InRange(Feedback(training).NoiseLeft(layer), 0, 1.1));
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void Threads_change_no_bit(LossScope scope, bool layerwise, int passes, NoiseDistribution noise, int projection)
    {
        (float[] gradients, float[] matrices) = Steps(1);
        foreach (int threads in (int[])[2, 5])
        {
            (float[] others, float[] otherMatrices) = Steps(threads);
            Tolerance.Same(gradients, others, $"gradients with {threads} threads");
            Tolerance.Same(matrices, otherMatrices, $"matrices with {threads} threads");
        }

        (float[], float[]) Steps(int threads)
        {
            Network model = Model(projection);
            using WorkerTeam team = new(threads);
            TrainingStep training = Create(model, team, scope, layerwise, passes, noise);
            Run(training, 0, 3);
            return (training.Gradients.All.ToArray(), Feedback(training).Matrices.All.ToArray());
        }
    }

    [Fact]
    public void Predictions_take_an_exact_gradient_to_start_from()
    {
        ArgumentException fault = Assert.Throws<ArgumentException>(
            () => new ForwardGradient(
                NoiseDistribution.Gaussian, LossScope.All, 1, seed: 1, controlVariate: ControlVariate.LearnedFeedback));

        Assert.Contains("must be Hidden", fault.Message, StringComparison.Ordinal);
    }

    private static FeedbackLayer[] Layers(Network model, TrainingStep training) =>
        [.. model.Blocks.SelectMany(block => block.Layers).Select(Feedback(training).Of).OfType<FeedbackLayer>()];

    private static Network Model(int projection)
    {
        Network model = LocalMixer.Build(new LocalMixerOptions
        {
            Blocks = 3,
            PatchesPerSide = 4,
            Channels = 16,
            Groups = 4,
            ImageSide = 8,
            ImageChannels = 3,
            Classes = 5,
            Projection = projection,
        });
        CounterRandom.Normals(new RandomStream(4, RandomPurpose.Initialization), 0, model.Values.All);
        TensorPrimitives.Multiply(model.Values.All, 0.3f, model.Values.All);
        return model;
    }

    // Steps that matrices are fitted to.
    private static void Run(TrainingStep training, uint fit, uint end)
    {
        for (; fit < end; fit++)
        {
            (float[] pixels, int[] labels) = Batch(fit);
            training.Run(pixels, labels, fit * LearnedFeedback.StepsPerFit);
        }
    }

    // Several waves, the last one not full.
    private static (float[] Pixels, int[] Labels) Batch(uint step)
    {
        const int Examples = 90;
        float[] pixels = new float[Examples * 8 * 8 * 3];
        CounterRandom.Normals(new RandomStream(5, RandomPurpose.Data, step), 0, pixels);
        return (pixels, [.. Enumerable.Range(0, Examples).Select(n => n % 5)]);
    }

    private static TrainingStep Create(
        Network model, WorkerTeam team, LossScope scope, bool layerwise = true, int passes = 1, NoiseDistribution? noise = null)
    {
        ForwardGradient rule = new(
            noise ?? NoiseDistribution.Gaussian,
            scope,
            passes,
            seed: 1,
            layerwise: layerwise && scope != LossScope.Global,
            sites: NoiseSites.Hidden,
            controlVariate: ControlVariate.LearnedFeedback);
        return new TrainingStep(model, rule, team);
    }

    private static LearnedFeedback Feedback(TrainingStep training) => ForwardGradient.FeedbackOf(training)!;

    // Relative, over all weights of the blocks.
    private static double Distance(Network model, ReadOnlySpan<float> exact, ReadOnlySpan<float> estimate)
    {
        double distance = 0, norm = 0;
        foreach (Parameter weight in model.Blocks.SelectMany(block => block.Layers).Select(layer => layer.Weight))
        {
            distance += Math.Pow(
                TensorPrimitives.Distance(exact.Slice(weight.Offset, weight.Length), estimate.Slice(weight.Offset, weight.Length)), 2);
            norm += Math.Pow(TensorPrimitives.Norm(exact.Slice(weight.Offset, weight.Length)), 2);
        }

        return Math.Sqrt(distance / norm);
    }
}
