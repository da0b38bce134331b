using System.Text.Json.Nodes;
using Onward.Models;
using Onward.Training;

namespace Onward.Cli.Tests;

/// <summary>Options of networks and losses, and the configuration that keeps them.</summary>
public sealed class TrainingNetworkTests : IDisposable
{
    private const string Small = "train --data {data} --model S/1/1 --batch-size 16 --epochs 2";

    private readonly Workplace _workplace = new();

    [Theory]
    [InlineData("--rule LG-FG-A --layerwise --passes 2", "layerwise")]
    [InlineData("--rule LG-BP --overlap", "overlap")]
    [InlineData("--rule LG-FA --overlap", "overlap")]
    public void Local_losses_take_further_forms_that_the_configuration_keeps(string options, string kept)
    {
        Assert.Equal(0, _workplace.Run($"train --data {{data}} --model M/8/16 --batch-size 16 --epochs 1 --out run {options}").Code);

        JsonNode configuration = JsonNode.Parse(File.ReadAllText(_workplace["work/run/config.json"]))!;
        Assert.Equal(
            kept.Split(','),
            new[] { "overlap", "layerwise" }.Where(name => (bool)configuration[name]!));
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData("--readout-scale 1", 1)]
    [InlineData("--readout-scale 0.1", 0.1)]
    public void The_rate_of_the_readout_is_kept_in_the_configuration_and_changes_the_readout(string options, double scale)
    {
        Assert.Equal(0, _workplace.Run($"{Small} --out plain").Code);
        Assert.Equal(0, _workplace.Run($"{Small} --out run {options}".TrimEnd()).Code);

        Network plain = ModelFile.Load(_workplace["work/plain/model.safetensors"]);
        Network model = ModelFile.Load(_workplace["work/run/model.safetensors"]);
        Assert.Equal(scale, (double)JsonNode.Parse(File.ReadAllText(_workplace["work/run/config.json"]))!["readoutRateScale"]!);
        Assert.Equal(plain.Values[plain.Blocks[0].Layers[0].Weight], model.Values[model.Blocks[0].Layers[0].Weight]);
        Assert.Equal(scale == 1, plain.Values[plain.Readout.Weight].SequenceEqual(model.Values[model.Readout.Weight]));
    }

    [Fact]
    public void Convolution_names_the_run_and_comes_back_with_it()
    {
        Workplace.Result result = _workplace.Run(
            "train --data {data} --model M/8/16 --mixer conv --kernel-side 5 --batch-size 16 --epochs 1 --json");

        string folder = _workplace["work/runs/mnist-M-8-16-conv5-LG-FG-A-seed1"], configuration = Path.Combine(folder, "config.json");
        JsonNode outcome = JsonNode.Parse(result.Out)!, run = JsonNode.Parse(File.ReadAllText(configuration))!;
        Network model = ModelFile.Load(Path.Combine(folder, "model.safetensors"));
        JsonNode again = JsonNode.Parse(_workplace.Run($"eval --run {folder} --json").Out)!;
        Assert.Equal(("M/8/16", "depthwiseConvolution", 5), ((string)run["model"]!, (string)run["mixer"]!, (int)run["kernelSide"]!));
        Assert.Equal((TokenMixer.DepthwiseConvolution, 5), (model.Mixer!.TokenMixer, model.Mixer!.KernelSide));
        Assert.Equal(("M/8/16-conv5", "M/8/16-conv5"), ((string)outcome["model"]!, (string)again["model"]!));
        Assert.Equal((double)outcome["testError"]!, (double)again["testError"]!);
    }

    [Fact]
    public void Scaling_names_the_run_and_comes_back_with_it()
    {
        Workplace.Result result = _workplace.Run(
            "train --data {data} --model M/8/16 --downsample 2,1,2,1 --pooling maximum --channel-ratio 1,2,1,1 --group-ratio 1,2,1,1 "
            + "--batch-size 16 --epochs 1 --json");

        string folder = _workplace["work/runs/mnist-M-8-16-down2.1.2.1max-wide1.2.1.1-groups1.2.1.1-LG-FG-A-seed1"];
        JsonNode outcome = JsonNode.Parse(result.Out)!, again = JsonNode.Parse(_workplace.Run($"eval --run {folder} --json").Out)!;
        Network model = ModelFile.Load(Path.Combine(folder, "model.safetensors"));
        Assert.Equal(
            [(64, 512, 16), (16, 512, 16), (16, 1024, 32), (4, 1024, 32)],
            model.Blocks.Select(block => (block.Patches, block.Channels, block.Groups)));
        Assert.Equal("M/8/16-down2.1.2.1max-wide1.2.1.1-groups1.2.1.1", (string)again["model"]!);
        Assert.Equal((double)outcome["testError"]!, (double)again["testError"]!);
    }

    public void Dispose() => _workplace.Dispose();
}
