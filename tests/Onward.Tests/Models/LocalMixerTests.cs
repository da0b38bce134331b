using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;

namespace Onward.Tests.Models;

public sealed class LocalMixerTests
{
    // Fan-ins: 147 and 512 of the channel layers, 16 of the token layer, 32 of the groups, 512 of the heads.
    private static readonly LocalMixerOptions Options = new()
    {
        Blocks = 2,
        PatchesPerSide = 4,
        Channels = 512,
        Groups = 16,
        ImageSide = 28,
        ImageChannels = 3,
        Classes = 10,
        ZeroHeads = false,
    };

    [Fact]
    public void Parameters_have_names_of_their_own_in_the_order_of_the_network()
    {
        Network model = LocalMixer.Build(Options);

        Assert.Equal(
            [
                "blocks.0.channel.weight", "blocks.0.channel.bias",
                "blocks.0.group.weight", "blocks.0.group.bias",
                "blocks.0.head.weight", "blocks.0.head.bias",
                "blocks.1.token.weight", "blocks.1.token.bias",
                "blocks.1.channel.weight", "blocks.1.channel.bias",
                "blocks.1.group.weight", "blocks.1.group.bias",
                "blocks.1.head.weight", "blocks.1.head.bias",
                "readout.weight", "readout.bias",
            ],
            model.Values.Layout.Parameters.Select(parameter => parameter.Name));
        Assert.All(
            model.Values.Layout.Parameters,
            parameter => Assert.Equal(parameter.Name.EndsWith("weight", StringComparison.Ordinal), parameter.IsMatrix));
    }

    [Fact]
    public void Parameters_start_on_cache_lines_and_do_not_overlap()
    {
        int end = 0;
        foreach (Parameter parameter in LocalMixer.Build(Options).Values.Layout.Parameters)
        {
            Assert.Equal(0, parameter.Offset % 16);
            Assert.InRange(parameter.Offset, end, end + 15);
            end = parameter.Offset + parameter.Length;
        }
    }

    [Fact]
    public void Layers_are_numbered_through_the_model_and_shaped_as_the_paper_says()
    {
        Network model = LocalMixer.Build(Options);
        NetworkLayer[] layers = [.. model.Blocks.SelectMany(block => block.Layers)];

        Assert.Equal([0, 1, 2, 3, 4], layers.Select(layer => layer.Index));
        Assert.Equal([[147, 512], [16, 32, 32], [16, 16], [512, 512], [16, 32, 32]], layers.Select(layer => layer.Weight.Shape));
        Assert.Equal([[512], [16, 32], [16], [512], [16, 32]], layers.Select(layer => layer.Bias.Shape));
        Assert.Equal(
            [
                "ImagePatches(4), LayerNorm(147), Linear(147, 512), LayerNorm(512), Relu, LayerNorm(32), GroupedLinear(16, 32), "
                    + "LayerNorm(32), Relu",
                "Residual(LayerNorm(512), TokenMixing(16, 512), LayerNorm(512), Relu, LayerNorm(512), Linear(512, 512), LayerNorm(512), "
                    + "Relu, LayerNorm(32), GroupedLinear(16, 32), LayerNorm(32)), Relu",
            ],
            model.Blocks.Select(block => string.Join(", ", block.Description.Layers)));
        Assert.Equal([false, false, true, false, false], layers.Select(layer => layer.ReachesAllGroups));
    }

    [Fact]
    public void Convolution_takes_the_place_of_the_matrix_over_patches()
    {
        LocalMixerOptions options = Options with { TokenMixer = TokenMixer.DepthwiseConvolution, KernelSide = 5 };

        Network model = LocalMixer.Build(options);

        NetworkLayer layer = model.Blocks[1].Layers[0];
        Assert.Equal(["blocks.1.conv.weight", "blocks.1.conv.bias"], new[] { layer.Weight.Name, layer.Bias.Name });
        Assert.Equal([5, 5, 512], layer.Weight.Shape);
        Assert.Equal([512], layer.Bias.Shape);
        Assert.Equal(
            [false, false, true, false, false], model.Blocks.SelectMany(block => block.Layers).Select(other => other.ReachesAllGroups));
        Assert.Equal(model.Values.Layout.Count, (long)options.ParameterCount);
    }

    [Theory]
    [InlineData(WeightInitializer.Kaiming, "blocks.0.channel.weight", 0.1)]
    [InlineData(WeightInitializer.Kaiming, "blocks.1.token.weight", 0.1)]
    [InlineData(WeightInitializer.Kaiming, "blocks.1.channel.weight", 0.0883883)]
    [InlineData(WeightInitializer.Kaiming, "blocks.1.group.weight", 0.1)]
    [InlineData(WeightInitializer.Kaiming, "blocks.1.head.weight", 0.0883883)]
    [InlineData(WeightInitializer.Lecun, "blocks.0.channel.weight", 0.0824786)]
    [InlineData(WeightInitializer.Lecun, "blocks.1.token.weight", 0.1)]
    [InlineData(WeightInitializer.Lecun, "blocks.1.channel.weight", 0.0441942)]
    [InlineData(WeightInitializer.Lecun, "blocks.1.group.weight", 0.1)]
    [InlineData(WeightInitializer.Lecun, "blocks.1.head.weight", 0.0441942)]
    [InlineData(WeightInitializer.Constant, "blocks.0.channel.weight", 0.1)]
    [InlineData(WeightInitializer.Constant, "blocks.1.channel.weight", 0.1)]
    [InlineData(WeightInitializer.Constant, "blocks.1.head.weight", 0.1)]
    public void Weights_are_normal_with_the_scale_of_the_initialiser(WeightInitializer initializer, string name, double scale)
    {
        Network model = LocalMixer.Build(Options with { Initializer = initializer });

        model.Initialize(7);

        ReadOnlySpan<float> weight = model.Values[Find(model, name)];
        double mean = 0, squares = 0;
        foreach (float value in weight)
        {
            mean += value / weight.Length;
            squares += (double)value * value / weight.Length;
        }

        // Standard errors of the mean, and of the standard deviation of normal numbers.
        double error = scale / Math.Sqrt(weight.Length);
        Tolerance.Near(0, mean, Tolerance.StandardErrors, error, "mean");
        Tolerance.Near(scale, Math.Sqrt(squares), Tolerance.StandardErrors, error / Math.Sqrt(2), "standard deviation");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Readout_and_biases_start_at_zero_and_heads_where_asked(bool zeroHeads)
    {
        Network model = LocalMixer.Build(Options with { ZeroHeads = zeroHeads });
        model.Values.All.Fill(1);

        model.Initialize(7);

        foreach (Parameter parameter in model.Values.Layout.Parameters)
        {
            bool zero = !parameter.IsMatrix || parameter.Name == "readout.weight"
                || (zeroHeads && parameter.Name.Contains("head", StringComparison.Ordinal));
            Assert.True(zero == !model.Values[parameter].ContainsAnyExcept(0f), parameter.Name);
        }
    }

    [Fact]
    public void Seed_names_the_draw()
    {
        Network first = LocalMixer.Build(Options), again = LocalMixer.Build(Options), other = LocalMixer.Build(Options);
        first.Initialize(7);
        again.Initialize(8);
        again.Initialize(7);
        other.Initialize(8);

        Tolerance.Same(first.Values.All, again.Values.All, "values");
        foreach (Parameter parameter in first.Values.Layout.Parameters.Where(p => p.IsMatrix && p.Name != "readout.weight"))
        {
            Assert.False(first.Values[parameter].SequenceEqual(other.Values[parameter]), parameter.Name);
        }
    }

    [Fact]
    public void Weights_of_one_shape_are_drawn_independently()
    {
        Network model = LocalMixer.Build(Options);
        model.Initialize(7);
        ReadOnlySpan<float> first =
            model.Values[Find(model, "blocks.0.group.weight")], second = model.Values[Find(model, "blocks.1.group.weight")];

        double correlation = Numbers.Inner(first, second) / (Tolerance.Norm(first) * Tolerance.Norm(second));

        Tolerance.Near(0, correlation, Tolerance.StandardErrors, 1 / Math.Sqrt(first.Length), "correlation");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Losses_at_the_first_step_are_those_of_a_guess(bool zeroHeads)
    {
        LocalMixerOptions options = Options with { Channels = 32, Groups = 4, Classes = 7, ZeroHeads = zeroHeads };
        Network model = LocalMixer.Build(options);
        model.Initialize(7);
        using WorkerTeam team = new(2);
        TrainingStep training = new(model, new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, 1, seed: 0), team);
        int[] labels = [0, 1, 2, 3, 4, 5, 6, 0, 1];

        StepResult result = training.Run(Numbers.Uniform(1, labels.Length * 28 * 28 * 3), labels, 0);

        double guess = Math.Log(7);
        Tolerance.Near(guess, result.ReadoutLoss, Tolerance.Kernel, guess, "readout");
        Assert.All(result.BlockLosses, loss => Assert.Equal(zeroHeads, Math.Abs(loss - guess) <= Tolerance.Kernel * guess));
    }

    private static Parameter Find(Network model, string name) =>
        model.Values.Layout.Parameters.Single(parameter => parameter.Name == name);
}
