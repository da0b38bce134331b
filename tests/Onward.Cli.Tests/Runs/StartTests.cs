using System.Text.Json.Nodes;
using Onward.Models;
using Onward.Training;

namespace Onward.Cli.Tests;

/// <summary>Runs that start from given weights, keep some of them, or go on beyond their end.</summary>
public sealed class StartTests : IDisposable
{
    private const string Small = "train --data {data} --model M/8/16 --mixer conv --batch-size 16";

    private readonly Workplace _workplace = new();

    [Fact]
    public void A_run_starts_from_the_weights_of_another()
    {
        _workplace.Run($"{Small} --epochs 1 --out first");

        Workplace.Result second = _workplace.Run($"{Small} --epochs 1 --lr 1e-30 --weight-decay 0 --seed 2 --init first --out second");

        Assert.Equal(0, second.Code);
        Assert.Equal(
            $"onward: 32 of 32 parameters are taken from {_workplace["work/first/model.safetensors"]}.", second.ErrorLines[0]);
        Assert.Equal(Values("first"), Values("second"));
    }

    [Fact]
    public void What_does_not_match_is_listed_and_drawn()
    {
        Network other = SaveEightClasses();

        Workplace.Result run = _workplace.Run(
            $"{Small} --epochs 1 --lr 1e-30 --weight-decay 0 --init eight.safetensors --out run");

        Assert.Equal(0, run.Code);
        Assert.Equal(
            $"onward: 22 of 32 parameters are taken from {_workplace["work/eight.safetensors"]}; drawn anew: "
            + "blocks.0.head.weight [512, 10] (the file has [512, 8]), blocks.0.head.bias [10] (the file has [8]), "
            + "blocks.1.head.weight [512, 10] (the file has [512, 8]), blocks.1.head.bias [10] (the file has [8]) and 6 more.",
            run.ErrorLines[0]);
        Network trained = ModelFile.Load(_workplace["work/run/model.safetensors"]);
        Assert.Equal(other.Values[other.Blocks[1].Layers[1].Weight], trained.Values[trained.Blocks[1].Layers[1].Weight]);
    }

    [Theory]
    [InlineData("", 2)]
    [InlineData("--optimizer adamw", 3)]
    public void A_run_with_frozen_blocks_that_was_stopped_goes_on_to_the_same_end(string options, int threads)
    {
        _workplace.Run($"{Small} --epochs 1 --out first");
        string start = $"{Small} --epochs 2 --seed 2 --init first --freeze 0-1 {options}".TrimEnd();
        _workplace.Run($"{start} --out whole");
        _workplace.Run($"{start} --out run", interruptAt: "epoch 1/2");
        Directory.Delete(_workplace["work/first"], recursive: true);

        Assert.Equal(0, _workplace.Run($"train --resume run --threads {threads}").Code);

        Assert.Equal(Values("whole"), Values("run"));
        JsonNode config = JsonNode.Parse(File.ReadAllText(_workplace["work/run/config.json"]))!;
        Assert.Equal("0-1", (string?)config["freeze"]);
        Assert.Equal(_workplace["work/first/model.safetensors"], (string?)config["init"]);
    }

    [Fact]
    public void Frozen_blocks_keep_the_weights_of_the_first_run()
    {
        _workplace.Run($"{Small} --epochs 1 --out first");

        Assert.Equal(0, _workplace.Run($"{Small} --epochs 1 --seed 2 --init first --freeze 0,2 --out second").Code);

        Network first = ModelFile.Load(_workplace["work/first/model.safetensors"]);
        Network second = ModelFile.Load(_workplace["work/second/model.safetensors"]);
        Assert.Equal(
            [true, false, true, false],
            first.Blocks.Zip(second.Blocks, (mine, other) =>
                first.Values[mine.Layers[0].Weight].SequenceEqual(second.Values[other.Layers[0].Weight])));
    }

    // At a constant rate, a run of three epochs that goes on to five is the run of five.
    [Theory]
    [InlineData(null)]
    [InlineData("epoch 2/3")]
    public void A_run_goes_on_to_more_epochs(string? interruptAt)
    {
        const string Constant = "train --data {data} --model S/1/1 --batch-size 16 --schedule constant --warmup-epochs 0 --optimizer adamw";
        _workplace.Run($"{Constant} --epochs 5 --out whole");
        _workplace.Run($"{Constant} --epochs 3 --out run", interruptAt: interruptAt);

        Workplace.Result longer = _workplace.Run("train --resume run --epochs 5");

        Assert.Equal(0, longer.Code);
        Assert.Equal(
            "onward: the run goes on to 5 epochs instead of 3; from here on, its learning rate is that of a constant schedule of 5 epochs.",
            longer.ErrorLines[0]);
        Assert.Equal(Values("whole"), Values("run"));
        Assert.Equal(6, File.ReadAllLines(_workplace["work/run/metrics.csv"]).Length);
        Assert.Equal(0, _workplace.Run("train --resume run").Code);
        Assert.Contains("\"epochs\": 5", File.ReadAllText(_workplace["work/run/config.json"]));
    }

    // Killed before the first checkpoint of the longer run: checkpoints are still those of the shorter one.
    [Fact]
    public void A_longer_run_that_was_stopped_goes_on_to_the_same_end()
    {
        const string Run = "train --data {data} --model S/1/1 --batch-size 16 --epochs 2";
        _workplace.Run($"{Run} --out whole");
        _workplace.Run($"{Run} --out run");
        _workplace.Run("train --resume whole --epochs 4");

        Assert.Equal(130, _workplace.Run("train --resume run --epochs 4", interruptAt: "going on with").Code);
        Assert.Equal(0, _workplace.Run("train --resume run").Code);

        Assert.Equal(Values("whole"), Values("run"));
        double[] rates = [.. File.ReadAllLines(_workplace["work/run/metrics.csv"]).Skip(1)
            .Select(line => double.Parse(line.Split(',')[1], System.Globalization.CultureInfo.InvariantCulture))];
        Assert.True(rates[2] > rates[1], "the rate of a longer schedule is higher");
    }

    [Theory]
    [InlineData("train --resume run --epochs 2", "--epochs 2: {path}/work/run has done 3 epochs already. Name more.")]
    [InlineData("{small} --init absent", "--init {path}/work/absent: no such file or folder. Name a run or a safetensors file.")]
    [InlineData("{small} --init {data}", "no config.json in it")]
    [InlineData("{small} --init run/config.json", "run/config.json: a header of")]
    [InlineData("{small} --freeze 0-4", "--freeze 0-4: M/8/16-conv3 has the blocks 0 to 3.")]
    [InlineData("{small} --freeze 2-1", "--freeze names blocks, such as 0-2 or 0,3; got 2-1.")]
    [InlineData("{small} --freeze first", "--freeze names blocks, such as 0-2 or 0,3; got first.")]
    [InlineData("train --data {data} --freeze 1", "--freeze 1: M/1/16 has block 0 alone.")]
    [InlineData("{small} --freeze 0 --rule FG-A", "--freeze means nothing to --rule FG-A, whose noise passes through all blocks.")]
    [InlineData("{small} --freeze 0 --rule FG-W", "--freeze means nothing to --rule FG-W, whose noise passes through all blocks.")]
    [InlineData("{small} --freeze 0 --control-variate learned-feedback", "--freeze does not go with --control-variate learned-feedback")]
    [InlineData("{small} --freeze 0 --measure-gradients 1", "--freeze does not go with --measure-gradients")]
    [InlineData("train --resume run --freeze 0", "--freeze cannot be given with --resume")]
    public void Says_what_is_wrong_and_writes_nothing(string command, string expected)
    {
        _workplace.Run("train --data {data} --model S/1/1 --batch-size 16 --epochs 3 --out run");
        string[] before = [.. _workplace.Left];

        Workplace.Result refused = _workplace.Run(command.Replace("{small}", Small, StringComparison.Ordinal));

        Assert.Equal(2, refused.Code);
        Assert.Contains(expected.Replace("{path}", _workplace.Path, StringComparison.Ordinal), Assert.Single(refused.ErrorLines));
        Assert.Equal(before, _workplace.Left);
    }

    [Fact]
    public void A_file_without_a_parameter_of_the_network_is_refused()
    {
        _ = SaveEightClasses();
        File.WriteAllText(_workplace["work/mlp.json"], """
            { "blocks": [ { "layers": [ { "type": "flatten" }, { "type": "linear", "inputs": 784, "outputs": 16, "name": "own" } ] } ] }
            """);

        Workplace.Result refused = _workplace.Run(
            "train --data {data} --network mlp.json --batch-size 16 --init eight.safetensors --out other");

        Assert.Equal(2, refused.Code);
        Assert.Contains("no tensor has the name and the shape of a parameter of the network. The file has ", refused.ErrorLines[0]);
        Assert.False(Directory.Exists(_workplace["work/other"]));
    }

    public void Dispose() => _workplace.Dispose();

    private Network SaveEightClasses()
    {
        Network network = LocalMixer.Build(
            LocalMixerPresets.Get("M/8/16", 28, 1, classes: 8) with { TokenMixer = TokenMixer.DepthwiseConvolution });
        network.Initialize(9);
        ModelFile.Save(network, _workplace["work/eight.safetensors"]);
        return network;
    }

    private byte[] Values(string run)
    {
        byte[] file = File.ReadAllBytes(_workplace[$"work/{run}/model.safetensors"]);
        return file[(8 + BitConverter.ToInt32(file))..];
    }
}
