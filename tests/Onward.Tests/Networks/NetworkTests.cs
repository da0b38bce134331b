using System.Text.Json;
using Onward.Data;
using Onward.Engine;
using Onward.Formats;
using Onward.Kernels;
using Onward.Layers;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Tests.Data;
using Onward.Threads;
using Onward.Training;

namespace Onward.Tests.Networks;

/// <summary>Networks of any layers: their plans, their files, and faults in their description.</summary>
public sealed class NetworkTests
{
    public static TheoryData<string> Networks => [.. AnyNetwork.Names];

    [Theory]
    [MemberData(nameof(Networks))]
    public void A_model_file_carries_its_network(string name)
    {
        using TemporaryFolder folder = new();
        Network model = AnyNetwork.Create(name).Model;
        ModelFile.Save(model, folder["model.safetensors"]);

        Network read = ModelFile.Load(folder["model.safetensors"]);

        foreach (Parameter parameter in model.Values.Layout.Parameters)
        {
            Tolerance.Same(model.Values[parameter], read.Values[parameter], parameter.Name);
        }

        Assert.Equal(Description(model), Description(read));
        Assert.Null(read.Mixer);
    }

    [Fact]
    public void A_LocalMixer_is_described_as_its_layers_too()
    {
        Network mixer = LocalMixer.Build(
            LocalMixerPresets.Get("M/8/16", 32, 3, 10) with { Downsample = [1, 2, 1, 1], ChannelRatio = [1, 1, 2, 1] });

        Network built = NetworkDescription.Of(mixer).Build();

        Assert.Equal(
            mixer.Values.Layout.Parameters.Select(parameter => (parameter.Name, string.Join('x', parameter.Shape))),
            built.Values.Layout.Parameters.Select(parameter => (parameter.Name, string.Join('x', parameter.Shape))));
        Assert.Equal(mixer.Values.Layout.Count, NetworkDescription.Of(mixer).CountParameters());
    }

    [Theory]
    [InlineData("\"inputs\":7", "\"inputs\":8")]
    [InlineData("\"outputs\":6", "\"outputs\":2000000000")]
    [InlineData("\"type\":\"linear\"", "\"type\":\"quadratic\"")]
    [InlineData("\"groups\":3", "\"groups\":0")]
    [InlineData("\"classes\":3", "\"classes\":1")]
    public void A_damaged_description_is_refused_in_one_line(string from, string to)
    {
        using TemporaryFolder folder = new();
        string path = folder["model.safetensors"];
        ModelFile.Save(AnyNetwork.Create("perceptron").Model, path);
        Replace(path, from, to);

        ModelFileException fault = Assert.Throws<ModelFileException>(() => ModelFile.Load(path));

        Assert.StartsWith($"{path}: the model options in the metadata ", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault.Message);
    }

    [Fact]
    public void A_run_of_any_network_resumes_bit_for_bit_and_refuses_another_network()
    {
        using WorkerTeam team = new(2);
        using TemporaryFolder folder = new();
        ImageDataset digits = Digits(512);
        TrainingOptions options = new() { Epochs = 2, LearningRate = 0.1, Seed = 1 };
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        Network whole = Perceptron(24), resumed = Perceptron(24);
        int kept = 0;
        Trainer(whole, team, digits, options).Run(
            checkpoint: checkpoint => checkpoint.Save(folder[$"{kept++}"]), cancellation: cancellation);
        Checkpoint middle = Checkpoint.Load(folder["1"]);

        Trainer again = Trainer(resumed, team, digits, options);
        again.Resume(middle);
        again.Run(cancellation: cancellation);

        Assert.Single(middle.Epochs);
        Tolerance.Same(whole.Values.All, resumed.Values.All, "parameters");
        Assert.Contains(
            "its network has other layers",
            Assert.Throws<ModelFileException>(() => Trainer(Perceptron(25), team, digits, options).Resume(middle)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_perceptron_learns_digits_without_backpropagation()
    {
        using WorkerTeam team = new(2);
        TrainingOptions options = new() { Epochs = 4, LearningRate = 0.1, Seed = 1 };
        TrainingResult result = Trainer(Perceptron(64), team, Digits(4096), options)
            .Run(cancellation: TestContext.Current.CancellationToken);

        Assert.InRange(result.TestError, 0, 25);
    }

    [Theory]
    [InlineData("Block 0: Linear(5, 6) takes 5 channels; its input is 7.", 5, 6, 2)]
    [InlineData("Block 0: its output of 6 channels is not divided by 4 groups.", 7, 6, 4)]
    public void A_fault_names_the_block_the_layer_and_both_shapes(string message, int inputs, int outputs, int groups)
    {
        ArgumentException fault = Assert.Throws<ArgumentException>(
            () => new Network(ExampleShape.Vector(7), [new(new Linear(inputs, outputs), new Relu()) { Groups = groups }], 3));

        Assert.StartsWith(message, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_block_without_parameters_is_refused() => Assert.StartsWith(
        "Block 1: it has no layer with parameters",
        Assert.Throws<ArgumentException>(
            () => new Network(ExampleShape.Vector(7), [new(new Linear(7, 6)), new(new Relu())], 3)).Message,
        StringComparison.Ordinal);

    [Theory]
    [InlineData("positions mixed twice", "mixes positions behind its first affine layer")]
    [InlineData("nested residuals", "has a residual that begins behind its first affine layer")]
    [InlineData("convolutions that mix channels", "mixes positions behind its first affine layer")]
    [InlineData("convolutions of other grids", "has an affine layer that changes the grid")]
    [InlineData("transformer", "has a layer without parameters between or behind its affine layers")]
    [InlineData("narrowing grid", "has a layer without parameters between or behind its affine layers")]
    public void Learned_feedback_refuses_blocks_that_are_no_chains(string name, string fault)
    {
        using WorkerTeam team = new(1);
        Network model = AnyNetwork.Create(name).Model;

        Assert.Contains(
            fault,
            Assert.Throws<ArgumentException>(() => new TrainingStep(model, Feedback(LossScope.All), team)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Learned_feedback_for_a_global_loss_refuses_two_layers_without_parameters_in_front()
    {
        using WorkerTeam team = new(1);
        ExampleShape image = new(8, 8, 2);
        Layer[] twoPoolings = [new GridPooling(PatchPooling.Average, 8, 2, 2), new GridPooling(PatchPooling.Average, 4, 2, 2)];
        Network model = new(image, [new(new Linear(2, 2), new Relu()), new([.. twoPoolings, new Linear(2, 4), new Relu()])], 3);

        Assert.Contains(
            "block 1 has several layers without parameters in front of its first affine layer",
            Assert.Throws<ArgumentException>(() => new TrainingStep(model, Feedback(LossScope.Global), team)).Message,
            StringComparison.Ordinal);
        _ = new TrainingStep(model, Feedback(LossScope.All), team);
    }

    // The error of a prediction would pass through the activation function at the grid in front of the pooling, where it has no memory.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Learned_feedback_for_a_global_loss_refuses_a_pooling_behind_a_smooth_activation(bool norm)
    {
        using WorkerTeam team = new(1);
        Layer[] first = norm ? [new Linear(2, 4), new Relu()] : [new Linear(2, 4), new Gelu()];
        Layer[] entry = norm ? [new LayerNorm(4), new AvgPool2d(2)] : [new AvgPool2d(2)];
        Network model = new(new(4, 4, 2), [new(first), new([.. entry, new Linear(4, 4), new Relu()])], 3);

        Assert.Contains(
            "block 1 has a layer without parameters in front that noise enters through",
            Assert.Throws<ArgumentException>(() => new TrainingStep(model, Feedback(LossScope.Global), team)).Message,
            StringComparison.Ordinal);
        _ = new TrainingStep(model, Feedback(LossScope.All), team);
    }

    [Theory]
    [InlineData("perceptron", LossScope.Global)]
    [InlineData("bare linear layers", LossScope.All)]
    [InlineData("smooth activations", LossScope.All)]
    [InlineData("smooth activations", LossScope.Global)]
    [InlineData("chain of convolutions", LossScope.All)]
    [InlineData("chain of convolutions", LossScope.Global)]
    public void Learned_feedback_lowers_the_noise_of_any_chain(string name, LossScope scope)
    {
        AnyNetwork network = AnyNetwork.Create(name);
        using WorkerTeam team = new(1);
        ForwardGradient rule = Feedback(scope);
        TrainingStep training = new(network.Model, rule, team);
        for (uint step = 0; step < 400; step++)
        {
            training.Run(network.Pixels, network.Labels, step);
        }

        Assert.All(rule.Feedback!.NoiseLeftByBlock(), left => Assert.InRange(left, 0, 0.9));
    }

    // With noise on hidden layers alone, a block of one layer has no noise, so there is nothing to predict.
    [Theory]
    [InlineData(LossScope.All)]
    [InlineData(LossScope.Global)]
    public void Learned_feedback_leaves_blocks_of_one_layer_exact(LossScope scope)
    {
        AnyNetwork network = AnyNetwork.Create("perceptron");
        using WorkerTeam team = new(2);
        ForwardGradient rule = Feedback(scope);
        TrainingStep training = new(network.Model, rule, team);
        TrainingStep exact = new(
            network.Model,
            Backpropagation.ThroughWeights(scope == LossScope.Global ? BackwardScope.Readout : BackwardScope.LocalLossesWithinBlock),
            team);
        training.Run(network.Pixels, network.Labels, step: 0);
        exact.Run(network.Pixels, network.Labels, step: 0);
        foreach (NetworkBlock block in network.Model.Blocks.Skip(scope == LossScope.Global ? 1 : 0))
        {
            Parameter weight = block.Layers[0].Weight;
            Tolerance.Near(exact.Gradients[weight], training.Gradients[weight], Tolerance.Network, weight.Name);
        }

        // Under the global loss, the noise of the first block is that which the second block's layer predicts.
        IReadOnlyList<double> left = rule.Feedback!.NoiseLeftByBlock();
        Assert.Equal(2, left.Count);
        Assert.Equal(left[0], left[1]);
        Assert.InRange(left[0], scope == LossScope.Global ? 0.1 : 0, scope == LossScope.Global ? 1 : 0);
    }

    // No prediction passes through these blocks, so they need not be chains.
    [Fact]
    public void Learned_feedback_serves_blocks_of_one_layer_that_change_the_grid()
    {
        using WorkerTeam team = new(2);
        Network model = new(
            new(8, 8, 1),
            [
                new(new Conv2d(1, 4, 3, stride: 2, padding: 1), new LayerNorm(4), new Relu()),
                new(new Conv2d(4, 8, 3, padding: 1), new LayerNorm(8), new Relu(), new MaxPool2d(2)) { Groups = 2 },
                new(new Residual(new LayerNorm(8), new Conv2d(8, 8, 1)), new Flatten()),
            ],
            10);
        model.Initialize(1);
        TrainingStep training = new(model, Feedback(LossScope.All), team);
        TrainingStep exact = new(model, Backpropagation.ThroughWeights(BackwardScope.LocalLossesWithinBlock), team);
        float[] pixels = Numbers.Uniform(5, 32 * 64);
        int[] labels = [.. Enumerable.Range(0, 32).Select(n => n % 10)];

        training.Run(pixels, labels, step: 0);
        exact.Run(pixels, labels, step: 0);

        Tolerance.Near(exact.Gradients.All, training.Gradients.All, Tolerance.Network, "gradients");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_run_with_learned_feedback_resumes_in_any_chain(bool ofOneLayer)
    {
        using WorkerTeam team = new(2);
        using TemporaryFolder folder = new();
        ImageDataset digits = Digits(512);
        TrainingOptions options = new() { Epochs = 2, LearningRate = 0.1, Seed = 1 };
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        Network whole = Chain(), resumed = Chain();
        int kept = 0;
        new Trainer(new TrainingStep(whole, Feedback(LossScope.All), team), digits, options, TimeProvider.System).Run(
            checkpoint: checkpoint => checkpoint.Save(folder[$"{kept++}"]), cancellation: cancellation);

        Trainer again = new(new TrainingStep(resumed, Feedback(LossScope.All), team), digits, options, TimeProvider.System);
        again.Resume(Checkpoint.Load(folder["1"]));
        again.Run(cancellation: cancellation);

        Tolerance.Same(whole.Values.All, resumed.Values.All, "parameters");

        Network Chain()
        {
            Layer[] first = [new Flatten(), new Linear(784, 16), new LayerNorm(16), new Relu()];
            Network model = new(
                new(28, 28, 1), [new(ofOneLayer ? first : [.. first, new Linear(16, 16), new LayerNorm(16), new Relu()])], classes: 10);
            model.Initialize(1);
            return model;
        }
    }

    [Fact]
    public void Reach_is_folded_from_the_end_of_the_block()
    {
        NetworkLayer[] layers = [.. AnyNetwork.Create("convolutions").Model.Blocks.SelectMany(block => block.Layers)];

        (Range, Range) own = (1..2, 2..3), near = (0..3, 1..4);
        Assert.Equal([near, own, near, own, own], layers.Select(layer => layer.ReachOf(position: 6)));
        Assert.Equal([true, false, true, false, false], layers.Select(layer => layer.ReachesOtherPositions));
        Assert.All(layers, layer => Assert.False(layer.ReachesAllPositions));
        Assert.Equal([false, false, false, false, false], layers.Select(layer => layer.ReachesAllGroups));
        Assert.Equal([true, false, false, false, false], layers.Select(layer => layer.OutputReachesAllGroups));
    }

    private static ImageDataset Digits(int images) => new(
        "digits",
        ProceduralDigits.GenerateImages(5, 0, images),
        ProceduralDigits.GenerateImages(5, 100_000, 256),
        [0.2f],
        [0.3f],
        "drawn");

    private static ForwardGradient Feedback(LossScope scope) => new(
        NoiseDistribution.Gaussian,
        scope,
        passes: 1,
        seed: 1,
        sites: NoiseSites.Hidden,
        controlVariate: ControlVariate.LearnedFeedback);

    private static Network Perceptron(int width)
    {
        Network model = new(
            new(28, 28, 1),
            [
                new(new Flatten(), new Linear(784, width), new LayerNorm(width), new Relu()),
                new(new Residual(new Linear(width, width), new LayerNorm(width)), new Relu()),
            ],
            classes: 10);
        model.Initialize(1);
        return model;
    }

    private static Trainer Trainer(Network model, WorkerTeam team, ImageDataset data, TrainingOptions options) => new(
        new TrainingStep(model, new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, passes: 1, seed: 1), team),
        data,
        options,
        TimeProvider.System);

    private static string Description(Network model) => JsonSerializer.Serialize(NetworkDescription.Of(model), ModelFile.Json);

    // Replaces text in the metadata, in which JSON is a string with escaped quotation marks, and keeps the length of the header right.
    private static void Replace(string path, string from, string to)
    {
        byte[] file = File.ReadAllBytes(path);
        int header = (int)BitConverter.ToInt64(file);
        string text = System.Text.Encoding.UTF8.GetString(file, 8, header);
        string escaped = from.Replace("\"", "\\u0022", StringComparison.Ordinal);
        bool isUnicode = text.Contains(escaped, StringComparison.Ordinal);
        string quote = isUnicode ? "\\u0022" : "\\\"";
        string before = from.Replace("\"", quote, StringComparison.Ordinal), after = to.Replace("\"", quote, StringComparison.Ordinal);
        Assert.Contains(before, text, StringComparison.Ordinal);
        byte[] changed = System.Text.Encoding.UTF8.GetBytes(text.Replace(before, after, StringComparison.Ordinal));
        File.WriteAllBytes(path, [.. BitConverter.GetBytes((long)changed.Length), .. changed, .. file.AsSpan(8 + header)]);
    }
}
