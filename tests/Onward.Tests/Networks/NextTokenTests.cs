using Onward.Engine;
using Onward.Kernels;
using Onward.Layers;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;

namespace Onward.Tests.Networks;

/// <summary>Networks that predict the next token: which are refused, and how far noise reaches in them.</summary>
public sealed class NextTokenTests
{
    private static readonly ExampleShape Input = new(5, 1, 1);

    [Fact]
    public void A_network_that_sees_the_token_it_predicts_is_refused()
    {
        const string Fault = "a position reads later ones, and with them the token that it predicts; "
            + "attention must be causal, and no other layer may mix positions.";
        Assert.Equal($"Block 0: {Fault}", FaultOf(new Linear(4, 12), new Attention(1), new Linear(4, 4)));
        Assert.Equal($"Block 0: {Fault}", FaultOf(new TokenMixing(5, 4)));
        Assert.Equal($"Block 0: {Fault}", FaultOf(new Residual(new GroupNorm(1, 4))));
        Assert.Equal($"Block 0: {Fault}", FaultOf(new Residual(new AvgPool2d(3, 1, 1))));
        Assert.Equal(
            "Block 0: a network that predicts the next token at each position keeps its 5 x 1 positions.",
            FaultOf(new Flatten(), new Linear(20, 4)));
        Assert.Null(FaultOf(new Linear(4, 12), new Attention(2, causal: true), new Linear(4, 4)));
    }

    [Fact]
    public void A_network_that_predicts_tokens_has_no_projection() => Assert.StartsWith(
        "A network that predicts tokens classifies",
        Assert.Throws<ArgumentException>(
            () => new Network(Input, [new(new Embedding(3, 4))], 3, new() { PredictsNextToken = true, Projection = 8 })).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Noise_in_front_of_causal_attention_reaches_later_positions_alone()
    {
        Network model = Create(new Linear(4, 12), new Attention(2, causal: true), new Linear(4, 4));
        NetworkLayer[] layers = [.. model.Blocks[0].Layers];

        Assert.All(layers[..2], layer => Assert.True(layer.ReachesLaterPositions));
        Assert.False(layers[2].ReachesOtherPositions);
        Assert.Equal((2..5, 0..1), layers[0].ReachOf(2));
        Assert.Equal((2..3, 0..1), layers[2].ReachOf(2));
    }

    // A later token changes no earlier derivative, so the sum over later positions is all that noise can change.
    [Theory]
    [InlineData(LossScope.All)]
    [InlineData(LossScope.Global)]
    public void A_later_token_changes_no_earlier_loss(LossScope scope)
    {
        Network model = Create(new Linear(4, 12), new Attention(2, causal: true), new Linear(4, 4));
        AnyNetwork.DrawParameters(model, 3);
        using WorkerTeam team = new(1);
        TrainingStep training = new(model, new ForwardGradient(NoiseDistribution.Gaussian, scope, passes: 1, seed: 1), team);
        float[][] losses = [.. new[] { 0f, 2f }.Select(last => LossesOf(training, [2, 0, 1, 2, last]))];

        Assert.Equal(losses[0][..4], losses[1][..4]);
        Assert.NotEqual(losses[0][4], losses[1][4]);
    }

    [Fact]
    public void Labels_that_are_not_one_for_each_position_are_refused()
    {
        using WorkerTeam team = new(1);
        TrainingStep training = new(
            Create(new Linear(4, 4)), Backpropagation.ThroughWeights(BackwardScope.LocalLossesWithinBlock), team);

        Assert.StartsWith(
            "A network that predicts tokens takes 5 labels for each example; got 6.",
            Assert.Throws<ArgumentException>(() => training.Run(new float[5], new int[6], 0)).Message,
            StringComparison.Ordinal);
    }

    // The errors of the last layer at each position, whose size follows from the loss of that position alone.
    private static float[] LossesOf(TrainingStep training, float[] tokens)
    {
        training.Run(tokens, new[] { 0, 1, 2, 0, 1 }, 0);
        BlockTile tile = training.Tiles[0][^1];
        int outputs = training.Network.HeadOutputs;
        return [.. Enumerable.Range(0, tokens.Length).Select(p => tile.Errors.Span.Slice(p * outputs, outputs)[0])];
    }

    private static Network Create(params Layer[] layers) =>
        new(Input, [new([new Embedding(3, 4, 5), .. layers])], 3, new() { PredictsNextToken = true });

    private static string? FaultOf(params Layer[] layers)
    {
        try
        {
            Create(layers);
            return null;
        }
        catch (ArgumentException fault)
        {
            return fault.Message.Split(" (Parameter")[0];
        }
    }
}
