using Onward.Data;
using Onward.Engine;
using Onward.Kernels;
using Onward.Layers;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;
using Onward.Training;

namespace Onward.Tests.Training;

/// <summary>Training on a text, and the text that the network then writes.</summary>
public sealed class TextTrainingTests
{
    private const int Context = 8;

    private static readonly ImageDataset Data = DataOf(string.Concat(Enumerable.Repeat("abcd", 120)));

    [Fact]
    public void A_transformer_learns_a_text_by_forward_gradients_and_continues_it()
    {
        Network network = Create();
        network.Initialize(1);
        using WorkerTeam team = new(2);
        TrainingStep step = new(network, new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, passes: 1, seed: 1), team);
        TrainingOptions options = new() { Epochs = 40, BatchSize = 10, LearningRate = 0.02, Seed = 1 };

        TrainingResult result = new Trainer(step, Data, options, TimeProvider.System).Run(
            cancellation: TestContext.Current.CancellationToken);

        // Guessing has the loss ln 4.
        Assert.True(result.TestLoss < 0.35, $"loss {result.TestLoss}");
        Assert.Equal("cdabcdabcd", string.Concat(new TextSampler(network, Data.ClassNames).Sample("dab", 10, temperature: 0)));
    }

    [Fact]
    public void Metrics_count_tokens()
    {
        Network network = Create();
        network.Initialize(1);
        using WorkerTeam team = new(2);
        Evaluator evaluator = new(network, team);
        using BatchLoader loader = BatchLoader.ForEvaluation(Data.Test, Data.Mean, Data.StandardDeviation);

        Evaluation evaluation = evaluator.Evaluate(loader, TestContext.Current.CancellationToken);

        // The readout is 0, so all letters are equally probable, and the first one is the answer.
        Assert.Equal(Math.Log(4), evaluation.Loss, 5);
        Assert.Equal(75, evaluation.Error, 0.01);
        Assert.Equal(2, evaluation.BlockErrors.Count);
        Assert.Empty(evaluation.Answers);
        Assert.Throws<ArgumentException>(() => evaluator.Evaluate(loader, 0.5, cancellation: TestContext.Current.CancellationToken));
    }

    [Fact]
    public void A_text_is_a_function_of_its_seed()
    {
        Network network = Create();
        AnyWeights(network);
        TextSampler sampler = new(network, Data.ClassNames);
        string[] texts = [.. new ulong[] { 1, 1, 2 }.Select(seed => string.Concat(sampler.Sample("ab", 40, 1, seed)))];

        Assert.Equal(texts[0], texts[1]);
        Assert.NotEqual(texts[0], texts[2]);
        Assert.Equal(40, texts[0].Length);
        Assert.StartsWith(texts[0][..10], texts[0], StringComparison.Ordinal);
        Assert.Equal(texts[0][..10], string.Concat(sampler.Sample("ab", 10, 1, 1)));
    }

    // The shares of drawn letters are those of the softmax of logits that are divided by the temperature.
    [Theory]
    [InlineData(1)]
    [InlineData(0.5)]
    [InlineData(3)]
    public void Letters_are_drawn_with_their_probabilities(double temperature)
    {
        const int Draws = 4000;
        Network network = Create();
        AnyWeights(network);
        TextSampler sampler = new(network, Data.ClassNames);
        float[] window = new float[Context], probabilities = new float[Context * 4];
        new Predictor(network).Predict(window, probabilities);
        double[] weights = [.. probabilities[..4].Select(p => Math.Pow(p, 1 / temperature))];
        int[] counts = new int[4];
        for (ulong seed = 0; seed < Draws; seed++)
        {
            counts[sampler.Sample("a", 1, temperature, seed).Single()[0] - 'a']++;
        }

        for (int letter = 0; letter < 4; letter++)
        {
            double share = weights[letter] / weights.Sum();
            Assert.Equal(share, (double)counts[letter] / Draws, 5 * Math.Sqrt(share * (1 - share) / Draws));
        }
    }

    [Fact]
    public void A_sampler_refuses_what_it_cannot_continue()
    {
        TextSampler sampler = new(Create(), Data.ClassNames);
        Assert.Throws<DataException>(() => sampler.Sample("x", 1));
        Assert.Throws<ArgumentException>(() => sampler.Sample("", 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => sampler.Sample("a", 1, double.NaN));
        Assert.Throws<ArgumentException>(() => new TextSampler(Create(), ["a", "b"]));
        Assert.Throws<ArgumentException>(
            () => new TextSampler(new Network(new(8, 1, 1), [new(new Embedding(4, 4))], 4), Data.ClassNames));
    }

    private static ImageDataset DataOf(string text)
    {
        Vocabulary vocabulary = Vocabulary.Of(text);
        TextSet windows = new(vocabulary.Encode(text), Context, vocabulary.Characters.Count);
        return new ImageDataset("text", windows, windows, [0], [1], "memory") { ClassNames = vocabulary.Characters };
    }

    private static Network Create() => new(
        new(Context, 1, 1),
        [
            new(
                new Embedding(4, 16, Context),
                new Residual(
                    new LayerNorm(16), new Linear(16, 48), new LayerNorm(8), new Attention(2, causal: true), new Linear(16, 16))),
            new(new Residual(new LayerNorm(16), new Linear(16, 32), new LayerNorm(32), new Gelu(), new Linear(32, 16)))
            {
                FeatureNorm = new LayerNorm(16),
            },
        ],
        classes: 4,
        new() { PredictsNextToken = true });

    private static void AnyWeights(Network network)
    {
        CounterRandom.Normals(new RandomStream(5, RandomPurpose.Initialization), 0, network.Values.All);
        System.Numerics.Tensors.TensorPrimitives.Multiply(network.Values.All, 0.3f, network.Values.All);
        network.Values.MarkChanged();
    }
}
