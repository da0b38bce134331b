using System.Text.Json.Nodes;
using Onward.Training;

namespace Onward.Cli.Tests;

/// <summary>Networks of a user's own, in a JSON file that <c>--network</c> names.</summary>
public sealed class OwnNetworkTests : IDisposable
{
    private const string Blocks = """
        "blocks": [
          { "groups": 2, "layers": [
            { "type": "conv2d", "inChannels": 1, "outChannels": 4, "kernelSize": 7, "stride": 7 }, { "type": "relu" } ] },
          { "layers": [ { "type": "flatten" }, { "type": "linear", "inputs": 64, "outputs": 16 }, { "type": "layerNorm", "size": 16 },
            { "type": "relu" }, { "type": "residual", "layers": [ { "type": "linear", "inputs": 16, "outputs": 16 } ] } ], "groups": 4 }
        ]
        """;

    private const string Train = "train --data {data} --network {path}/small.json --batch-size 16 --epochs 2";

    private readonly Workplace _workplace = new();

    public OwnNetworkTests() => File.WriteAllText(_workplace["small.json"], $"{{ {Blocks} }}");

    [Fact]
    public void A_run_keeps_its_network_and_resumes_without_the_file()
    {
        Assert.Equal(0, _workplace.Run($"{Train} --out whole").Code);
        Assert.Equal(ExitCode.Interrupted, _workplace.Run($"{Train} --out run", interruptAt: "epoch 1/2").Code);
        File.Delete(_workplace["small.json"]);

        Workplace.Result result = _workplace.Run("train --resume run");

        Assert.Equal((0, "model        small, 1,902 parameters, LG-FG-A"), (result.Code, result.OutLines[0]));
        Assert.Equal(
            File.ReadAllBytes(_workplace["work/whole/model.safetensors"]), File.ReadAllBytes(_workplace["work/run/model.safetensors"]));
        Assert.Equal(_workplace.Measurements("whole"), _workplace.Measurements("run"));
        JsonNode configuration = JsonNode.Parse(File.ReadAllText(_workplace["work/run/config.json"]))!;
        JsonNode layer = configuration["network"]!["blocks"]![0]!["layers"]![0]!;
        Assert.Equal(("small", "conv2d"), ((string)configuration["model"]!, (string)layer["type"]!));
    }

    [Fact]
    public void Commands_that_read_runs_know_the_network()
    {
        Assert.Equal(0, _workplace.Run($"{Train} --out run --rule LG-BP").Code);

        Assert.StartsWith("small trained with LG-BP on mnist", _workplace.Run("eval --run run").Out);
        Assert.Contains("small", _workplace.Run("runs .").OutLines[1]);
        Assert.DoesNotContain("model=", _workplace.Run("runs .").Out);
        Assert.Equal(0, _workplace.Run("export run {path}/run.onnx").Code);
        Assert.Equal(0, _workplace.Run("report run").Code);
        Assert.Contains("small, trained with LG-BP on mnist", _workplace.Run("inspect --run run").Out);
        Assert.Equal(2, ModelFile.Load(_workplace["work/run/model.safetensors"]).Blocks.Count);
    }

    [Theory]
    [InlineData("mlp")]
    [InlineData("resmlp")]
    public void A_network_of_another_paper_trains_and_resumes(string model)
    {
        string train = $"train --data {{data}} --model {model} --batch-size 16 --epochs 2 --limit-batches 2";
        Assert.Equal(0, _workplace.Run($"{train} --out whole").Code);
        Assert.Equal(ExitCode.Interrupted, _workplace.Run($"{train} --out run", interruptAt: "epoch 1/2").Code);

        Workplace.Result result = _workplace.Run("train --resume run");

        Assert.Equal(0, result.Code);
        Assert.StartsWith($"model        {model}, ", result.OutLines[0]);
        Assert.Equal(
            File.ReadAllBytes(_workplace["work/whole/model.safetensors"]), File.ReadAllBytes(_workplace["work/run/model.safetensors"]));
        Assert.StartsWith($"{model} trained with LG-FG-A on mnist", _workplace.Run("eval --run run").Out);
        Assert.Equal(0, _workplace.Run($"inspect {model}").Code);
    }

    [Fact]
    public void What_does_not_go_with_a_network_of_another_paper_is_refused()
    {
        _workplace.Refuse("bench --model vit-tiny --mixer conv", "--mixer changes a preset of the paper; --model vit-tiny is none.");
        _workplace.Refuse("train --data {data} --model vgg8", "--model: unknown value 'vgg8'; did you mean 'vgg8b'?");
    }

    [Theory]
    [InlineData("BP")]
    [InlineData("L-FA")]
    [InlineData("DFA")]
    [InlineData("FG-W")]
    [InlineData("LG-FG-A --objective contrastive --projection 8")]
    public void Every_rule_and_objective_trains_it(string rule) =>
        Assert.Equal(0, _workplace.Run($"{Train} --limit-batches 1 --rule {rule}").Code);

    [Fact]
    public void Series_and_measurements_take_it()
    {
        Assert.Equal(0, _workplace.Run(
            "compare --data {data} --network {path}/small.json --batch-size 16 --epochs 1 --rules BP,LG-FG-A --seeds 1 --out c").Code);
        Assert.Equal(0, _workplace.Run(
            "sweep --data {data} --network {path}/small.json --batch-size 16 --epochs 1 --vary lr=0.01,0.02 --out s").Code);
        Workplace.Result variance = _workplace.Run("variance --network {path}/small.json --steps 1 --draws 2 --batch-size 4 --out v");
        Assert.Equal(0, variance.Code);
        Assert.Contains("Rows with feedback are left out", variance.Out);
        Workplace.Result shown = _workplace.Run("train --network {path}/small.json --dump-config");
        JsonObject options = JsonNode.Parse(shown.Out)!.AsObject();
        Assert.True(options.ContainsKey("network") && !options.ContainsKey("model"));
    }

    // Without noise before the losses, the estimates of blocks of one layer are exact.
    [Fact]
    public void An_exact_estimate_has_the_variance_0()
    {
        File.WriteAllText(_workplace["one.json"], """
            { "blocks": [ { "layers": [ { "type": "flatten" }, { "type": "linear", "inputs": 784, "outputs": 4 }, { "type": "relu" } ] } ] }
            """);

        Workplace.Result result = _workplace.Run("variance --network {path}/one.json --steps 1 --draws 2 --batch-size 4 --out v");

        Assert.Equal(0, result.Code);
        Assert.Contains("LG-FG-A, hidden", result.Out);
        Assert.DoesNotContain("NaN", result.Out);
    }

    [Fact]
    public void A_table_shows_shapes_costs_noise_and_the_losses_it_reaches()
    {
        File.WriteAllText(
            _workplace["sized.json"], $$"""{ "input": { "height": 28, "width": 28, "channels": 1 }, "classes": 10, {{Blocks}} }""");

        Workplace.Result table = _workplace.Run("inspect --network {path}/sized.json");
        JsonNode json = JsonNode.Parse(_workplace.Run("inspect --network {path}/sized.json --json").Out)!;

        Assert.Equal(0, table.Code);
        Assert.Equal("sized; images of 28x28x1 in 10 classes", table.OutLines[0]);
        JsonNode[] layers = [.. json["layers"]!.AsArray().Select(layer => layer!)];
        Assert.Equal(
            [
                "Conv2d(1, 4, 7, 7, 0, 1)", "Relu", "head",
                "Flatten", "Linear(64, 16)", "LayerNorm(16)", "Relu", "Residual", "  Linear(16, 16)", "head", "readout",
            ],
            layers.Select(layer => (string)layer["layer"]!));

        // 16 positions in 2 groups: a number of noise behind the convolution reaches its own cell.
        Assert.Equal((4 * 4 * 4, 1, 32), ((int)layers[0]["noise"]!, (int)layers[0]["reached"]!, (int)layers[0]["localLosses"]!));

        // The matrix of the residual carries noise of the layer before it to all 4 groups.
        Assert.Equal((16, 4, 4), ((int)layers[4]["noise"]!, (int)layers[4]["reached"]!, (int)layers[4]["localLosses"]!));
        Assert.Equal((long)json["parameters"]!, layers.Sum(layer => (long)layer["parameters"]!));
    }

    [Theory]
    [InlineData("mlp.json", "679,966 parameters, 2 local losses.")]
    [InlineData("conv.json", "96,808 parameters, 1,344 local losses.")]
    [InlineData("transformer.json", "541,884 parameters, 320 local losses.")]
    [InlineData("vgg8b-eighth.json", "144,944 parameters, 12,968 local losses.")]
    public void The_networks_among_the_samples_build(string name, string sums)
    {
        Workplace.Result result = _workplace.Run($"inspect --network {Checkout.PathOf("samples", "networks", name)}");

        Assert.Equal(0, result.Code);
        Assert.Contains(sums, result.Out);
    }

    [Fact]
    public void What_does_not_go_with_it_is_refused_in_one_line()
    {
        _workplace.Refuse($"{Train} --model S/1/1", "--model changes a preset, but --network");
        _workplace.Refuse($"{Train} --control-variate learned-feedback", "LG-FG-A cannot train this network: Learned feedback predicts");
        _workplace.Refuse($"{Train} --epsilon 0.1", "--epsilon changes a preset, but --network");
        _workplace.Refuse("train --data {data} --network {path}/none.json", "none.json: no such file.");
        _workplace.Refuse("bench --network {path}/small.json", "--network small must say which images it is for");
        Write("wide", """{ "type": "linear", "inputs": 784, "outputs": 4 }""");
        _workplace.Refuse(
            "train --data {data} --network {path}/wide.json",
            "--network wide does not fit images of 28x28x1 in 10 classes: "
                + "Block 0: Linear(784, 4) takes 784 channels; its input is 28 x 28 x 1.");
        Write("bad", """{ "type": "conv3d" }""");
        _workplace.Refuse(
            "train --data {data} --network {path}/bad.json",
            "bad.json: line 1, at $.blocks[0].layers[0]: no layer is of the type 'conv3d'");

        void Write(string name, string layer) =>
            File.WriteAllText(_workplace[$"{name}.json"], $$"""{ "blocks": [ { "layers": [ {{layer}} ] } ] }""");
    }

    public void Dispose() => _workplace.Dispose();
}
