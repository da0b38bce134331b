using System.Text.Json.Nodes;

namespace Onward.Cli.Tests;

/// <summary>The options --best and --epoch of every command that reads a model.</summary>
public sealed class EpochChoiceTests : IDisposable
{
    private const string Small = "train --data {data} --model S/1/1 --batch-size 16 --validation 16 --epochs 4";

    // The error rises with the rate, so the best epoch is not the last.
    private const string Rising = Small + " --lr 3 --schedule constant --warmup-epochs 0 --keep 1";

    private readonly Workplace _workplace = new();

    [Theory]
    [InlineData("")]
    [InlineData("--ema 0.9")]
    [InlineData("--objective contrastive --projection 8 --ema 0.5 --readout-lr 0.1")]
    public void The_model_of_an_epoch_is_the_one_that_its_error_was_measured_on(string options)
    {
        Assert.Equal(0, _workplace.Run($"{Small} --keep 4 --out run {options}".TrimEnd()).Code);
        double[] errors = Errors("run");

        for (int epoch = 1; epoch <= errors.Length; epoch++)
        {
            JsonNode eval = Eval($"--epoch {epoch}");
            Assert.Equal((errors[epoch - 1], epoch), ((double)eval["validationError"]!, (int?)eval["epoch"]));
        }

        _workplace.Run("export run last.onnx");
        _workplace.Run("export run fourth.onnx --epoch 4");
        Assert.Equal(File.ReadAllBytes(_workplace["work/last.onnx"]), File.ReadAllBytes(_workplace["work/fourth.onnx"]));
        Assert.Null((int?)Eval("")["epoch"]);
    }

    [Fact]
    public void The_best_epoch_is_the_first_of_the_lowest_error_and_every_command_takes_it()
    {
        int best = TrainUntilWorse();
        Write("digit.png");

        Assert.Equal(best, (int?)Eval("--best")["epoch"]);
        Assert.Contains($" after epoch {best}; errors on mnist", _workplace.Run("eval --run run --best").Out);
        Assert.NotEqual(_workplace.Run("predict run digit.png").Out, _workplace.Run("predict run digit.png --best").Out);
        Assert.Equal(_workplace.Run($"predict run digit.png --epoch {best}").Out, _workplace.Run("predict run digit.png --best").Out);
        Assert.Matches($@"^epoch +{best}$", _workplace.Run("export run best.onnx --best").OutLines[0]);
        _workplace.Run("export run last.onnx");
        Assert.NotEqual(File.ReadAllBytes(_workplace["work/last.onnx"]), File.ReadAllBytes(_workplace["work/best.onnx"]));
        Assert.Equal(0, _workplace.Run("report run --best").Code);
        string page = File.ReadAllText(_workplace["work/run/report.html"]);
        Assert.Contains($"those of the model after epoch {best}.", page);
        Assert.Contains($"{(double)Eval("--best")["validationError"]!:0.00} % wrong", page);
    }

    [Fact]
    public void An_epoch_that_is_not_kept_is_told_with_those_that_are()
    {
        int best = TrainUntilWorse();
        Write("digit.png");

        string[] commands = ["eval --run run", "predict run digit.png", "export run model.onnx", "report run", "train --resume run"];
        foreach (string command in commands)
        {
            _workplace.Refuse(
                $"{command} --epoch 9",
                $"work/run keeps no checkpoint of epoch 9, only of epochs {best} and 4. Name one of those with --epoch.");
            _workplace.Refuse($"{command} --epoch 0", "--epoch must be a whole number, 1 or more; got '0'");
            _workplace.Refuse($"{command} --epoch {best} --best", "--best and --epoch both choose an epoch. Use only one of them.");
        }

        File.Delete(Checkpoint("run", best));
        _workplace.Refuse(
            "eval --run run --best",
            $"keeps no checkpoint of epoch {best} (the lowest error), only of epoch 4. Name that with --epoch.");
        Directory.Delete(_workplace["work/run/checkpoints"], recursive: true);
        _workplace.Refuse("eval --run run --best", "keeps no checkpoint of an epoch that has ended. Leave --best out.");
        _workplace.Refuse(
            "train --best",
            "--best and --epoch choose an epoch of the run that --resume names. Add --resume, or leave them out. "
            + "The number of epochs to train is --epochs.");
        _workplace.Refuse("train --resume run --out other", "--out cannot be given with --resume");
    }

    [Fact]
    public void A_damaged_checkpoint_is_refused_by_name()
    {
        int best = TrainUntilWorse();
        byte[] bytes = File.ReadAllBytes(Checkpoint("run", best));
        bytes[^5] ^= 1;
        File.WriteAllBytes(Checkpoint("run", best), bytes);

        _workplace.Refuse("eval --run run --best", $"{Checkpoint("run", best)}: damaged: its bytes do not match their checksum");
    }

    [Fact]
    public void Going_on_from_an_epoch_begins_a_new_folder_and_comes_to_the_same_end()
    {
        int best = TrainUntilWorse();
        Dictionary<string, byte[]> before = Content("run");

        Workplace.Result first = _workplace.Run("train --resume run --best --keep 1");
        Workplace.Result second = _workplace.Run("train --resume run --epoch 4 --out other");

        string folder = _workplace[$"work/run-from-epoch-{best}"], run = _workplace["work/run"];
        Assert.Equal((0, 0), (first.Code, second.Code));
        Assert.Equal($"going on with S/1/1 in {folder} after epoch {best} of 4; {run} stays as it is", first.ErrorLines[0]);
        Assert.Equal(before, Content("run"));
        foreach (string name in new[] { $"run-from-epoch-{best}", "other" })
        {
            Dictionary<string, byte[]> after = Content(name);
            Assert.Equal(before["model.safetensors"], after["model.safetensors"]);
            Assert.Equal(Errors("run"), Errors(name));
            Assert.Equal(best, (int?)JsonNode.Parse(_workplace.Run($"eval --run {name} --best --json").Out)!["epoch"]);
            Assert.Equal(before.Keys.Order(), after.Keys.Order());
        }

        Assert.Equal(0, _workplace.Run("train --resume run --best").Code);
        Assert.True(Directory.Exists($"{folder}-2"));
        _workplace.Refuse("train --resume run --best --out other", "other is not empty. Name a folder that is empty or does not exist.");
    }

    [Fact]
    public void A_run_that_goes_on_from_an_epoch_can_be_stopped_and_resumed()
    {
        int best = TrainUntilWorse();

        Assert.Equal(130, _workplace.Run("train --resume run --best --out other", interruptAt: "going on with").Code);
        Assert.Equal(Errors("run")[..best], Errors("other"));
        Assert.Equal(0, _workplace.Run("train --resume other").Code);

        Assert.Equal(Content("run")["model.safetensors"], Content("other")["model.safetensors"]);
    }

    public void Dispose() => _workplace.Dispose();

    private int TrainUntilWorse()
    {
        Assert.Equal(0, _workplace.Run($"{Rising} --out run").Code);
        double[] errors = Errors("run");
        int best = Array.IndexOf(errors, errors.Min()) + 1;
        Assert.InRange(best, 1, 3);
        return best;
    }

    private JsonNode Eval(string options) => JsonNode.Parse(_workplace.Run($"eval --run run --json {options}".TrimEnd()).Out)!;

    private string Checkpoint(string run, int epoch) => _workplace[$"work/{run}/checkpoints/epoch-{epoch:0000}-step-000000.safetensors"];

    private double[] Errors(string run) =>
        [.. File.ReadAllLines(_workplace[$"work/{run}/metrics.csv"]).Skip(1).Select(line => double.Parse(line.Split(',')[5], null))];

    private Dictionary<string, byte[]> Content(string run) =>
        Directory.GetFiles(_workplace[$"work/{run}"], "*", SearchOption.AllDirectories)
        .ToDictionary(path => Path.GetRelativePath(_workplace[$"work/{run}"], path), File.ReadAllBytes);

    private void Write(string name) =>
        File.WriteAllBytes(
            _workplace[$"work/{name}"], PngImage.Encode([.. Enumerable.Range(0, 28 * 28).Select(i => i % 28 / 28f)], 28, 28, 1, 28));
}
