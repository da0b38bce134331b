using System.Buffers.Binary;
using System.Text.Json.Nodes;

namespace Onward.Cli.Tests;

/// <summary>Images in folders, in every command that reads them.</summary>
public sealed class FolderTests : IDisposable
{
    private const string Train =
        "train --dataset folder --data {path}/pictures --image-size 16 --model S/1/1 --batch-size 4 --epochs 2 --seed 3 --out run";

    private readonly Workplace _workplace = new();

    [Fact]
    public void With_three_splits_validation_chooses_and_test_is_the_test()
    {
        Write("Train", 16, "cats", "dogs");
        Write("valid", 4, "dogs", "cats"); // each the other's images
        Write("TEST", 6, "cats", "dogs");

        JsonNode trained = JsonNode.Parse(_workplace.Run($"{Train} --json").Out)!;
        Workplace.Result table = _workplace.Run("eval --run run");
        JsonNode measured = JsonNode.Parse(_workplace.Run("eval --run run --json").Out)!;
        string info = _workplace.Run("data info folder --data {path}/pictures").Out;

        Assert.Equal((double)trained["testError"]!, (double)measured["validationError"]!);
        Assert.NotEqual((double)measured["validationError"]!, (double)measured["testError"]!);
        Assert.Matches("^ +train error +validation error +test error +test accuracy", table.OutLines[1]);
        Assert.Contains("\"hasValidationSet\": true", File.ReadAllText(_workplace["work/run/config.json"]));
        Assert.Matches("images +32 for training, 8 for validation, 12 for testing", info);
        Assert.Matches("class +name +train +validation +test\n0 +cats +16 +4 +6\n", info);
        Assert.Contains("validation", _workplace.Run("runs .").Out);
        Directory.Delete(_workplace["work/run"], recursive: true);
        _workplace.Refuse($"{Train} --validation 4", "has a validation set of its own. Leave --validation out.");
    }

    [Fact]
    public void A_run_of_a_version_that_took_the_validation_set_for_the_test_set_goes_on()
    {
        Write("train", 16, "cats", "dogs");
        Write("val", 4, "cats", "dogs");
        Write("test", 6, "cats", "dogs");
        Assert.Equal(130, _workplace.Run(Train, interruptAt: "epoch 1/2").Code);
        string config = _workplace["work/run/config.json"];
        File.WriteAllLines(config, File.ReadAllLines(config).Where(line => !line.Contains("hasValidationSet", StringComparison.Ordinal)));

        Assert.Equal(0, _workplace.Run("train --resume run").Code);
    }

    [Fact]
    public void A_folder_without_splits_is_split_by_the_seed_of_the_run_wherever_it_lies()
    {
        Write("", 20, "cats", "dogs");

        Workplace.Result trained = _workplace.Run(Train);
        JsonNode result = JsonNode.Parse(File.ReadAllText(_workplace["work/run/result.json"]))!;
        JsonNode measured = JsonNode.Parse(_workplace.Run("eval --run run --json").Out)!;
        Directory.Move(_workplace["pictures"], _workplace["elsewhere"]);
        JsonNode moved = JsonNode.Parse(_workplace.Run("eval --run run --data {path}/elsewhere --json").Out)!;
        Workplace.Result info = _workplace.Run("data info folder --data {path}/elsewhere --json");

        Assert.Equal(0, trained.Code);
        Assert.Contains(
            $"onward: {_workplace["pictures"]} has no folder val or test: a fifth of each class is held out by the seed, to test on.",
            trained.ErrorLines);
        Assert.Contains("\"trainingImages\": 32,", File.ReadAllText(_workplace["work/run/config.json"]));
        Assert.Equal((double)result["testError"]!, (double)measured["testError"]!, 1e-4);
        Assert.Equal((double)result["trainError"]!, (double)measured["trainError"]!, 1e-4);
        Assert.Equal(measured["testError"]!.ToJsonString(), moved["testError"]!.ToJsonString());
        Assert.Equal(measured["trainError"]!.ToJsonString(), moved["trainError"]!.ToJsonString());
        Assert.Equal((32, 8), ((int)JsonNode.Parse(info.Out)!["trainingImages"]!, (int)JsonNode.Parse(info.Out)!["testImages"]!));
    }

    [Fact]
    public void A_labelled_folder_alone_can_be_evaluated_with_all_classes_or_some()
    {
        Write("train", 16, "cats", "dogs");
        Write("val", 5, "cats", "dogs");
        Assert.Equal(0, _workplace.Run(Train).Code);
        Directory.CreateDirectory(_workplace["some"]);
        Directory.CreateSymbolicLink(_workplace["some/dogs"], _workplace["pictures/val/dogs"]);
        Directory.CreateDirectory(_workplace["others"]);
        Directory.CreateSymbolicLink(_workplace["others/cats"], _workplace["pictures/val/cats"]);

        JsonNode both = JsonNode.Parse(_workplace.Run("eval --run run --json").Out)!;
        JsonNode alone = JsonNode.Parse(_workplace.Run("eval --run run --data {path}/pictures/val --json").Out)!;
        double dogs = (double)JsonNode.Parse(_workplace.Run("eval --run run --data {path}/some --json").Out)!["testError"]!;
        double cats = (double)JsonNode.Parse(_workplace.Run("eval --run run --data {path}/others --json").Out)!["testError"]!;

        Assert.Null(alone["trainError"]);
        Assert.Equal((double)both["testError"]!, (double)alone["testError"]!);
        Assert.Equal((double)both["testError"]!, (cats + dogs) / 2, 1e-3);
        Assert.Matches("^ +test error +test accuracy", _workplace.Run("eval --run run --data {path}/pictures/val").OutLines[1]);
    }

    [Fact]
    public void Classes_of_other_names_are_refused_and_both_sides_are_named()
    {
        Write("train", 16, "cats", "dogs");
        Write("val", 4, "cats", "dogs");
        Assert.Equal(0, _workplace.Run(Train).Code);
        foreach (string split in new[] { "train", "val" })
        {
            Directory.Move(_workplace[$"pictures/{split}/dogs"], _workplace[$"pictures/{split}/a dog"]);
        }

        string expected =
            $"{_workplace["pictures"]} has classes that the model of {_workplace["work/run"]} does not know: a dog; it lacks dogs. "
            + "Name classes alike, or name other data.";
        Workplace.Result report = _workplace.Run("report run");

        _workplace.Refuse("eval --run run", expected);
        Assert.Contains(expected, report.Error);
        _workplace.Refuse("eval --run run --dataset idx --data {data}", "the model takes images of 16x16x3 in 2 classes");
    }

    [Fact]
    public void Data_sets_of_as_many_classes_of_other_names_are_refused()
    {
        Assert.Equal(0, _workplace.Run("train --data {data} --model S/1/1 --batch-size 16 --epochs 1 --out run").Code);
        string config = _workplace["work/run/config.json"];
        File.WriteAllText(config, File.ReadAllText(config).Replace("\"7\"", "\"seven\"", StringComparison.Ordinal));

        _workplace.Refuse("eval --run run", "does not know: 7; it lacks seven.");
        Assert.Equal(0, _workplace.Run("eval --run run --dataset idx --data {data}").Code); // numbers its classes
    }

    [Fact]
    public void What_is_left_out_is_told_by_every_command_that_lists_images()
    {
        Write("train", 16, "cats", "dogs");
        Write("val", 4, "cats", "dogs");
        File.WriteAllText(_workplace["pictures/train/cats/scan.tif"], "II*");
        string expected =
            $"onward: {_workplace["pictures"]}: left out 1 image of formats that are not read (1 .tif): train/cats/scan.tif. "
            + "Convert them to PNG or JPEG.";

        Workplace.Result[] results =
        [
            _workplace.Run(Train),
            _workplace.Run("eval --run run --json"),
            _workplace.Run("report run"),
            _workplace.Run("data info folder --data {path}/pictures --json"),
            _workplace.Run("data views --dataset folder --data {path}/pictures --rows 1 --columns 2"),
            _workplace.Run("train --dataset folder --data {path}/pictures --image-size 16 --model S/1/1 --batch-size 4 --dry-run"),
        ];

        Assert.All(results, result => Assert.Equal(0, result.Code));
        Assert.All(results, result =>
        {
            string line = Assert.Single(result.ErrorLines, line => line.Contains("left out", StringComparison.Ordinal));
            Assert.Equal(expected, line);
        });
    }

    [Fact]
    public void The_images_of_folders_are_predicted_at_any_depth()
    {
        Write("train", 16, "cats", "dogs");
        Write("val", 4, "cats", "dogs");
        File.WriteAllText(_workplace["pictures/val/cats/scan.tif"], "II*");
        Assert.Equal(0, _workplace.Run(Train).Code);
        File.Copy(_workplace["pictures/train/cats/0.bmp"], _workplace["pictures/one.bmp"]);

        Workplace.Result result = _workplace.Run("predict run {path}/pictures/val {path}/pictures/one.bmp");
        double error = (double)JsonNode.Parse(_workplace.Run("eval --run run --json").Out)!["testError"]!;

        Assert.Equal((0, 9), (result.Code, result.OutLines.Length));
        Assert.StartsWith($"{_workplace["pictures/val/cats/0.bmp"]}: ", result.OutLines[0]);
        Assert.StartsWith($"{_workplace["pictures/one.bmp"]}: ", result.OutLines[^1]);
        int right = result.OutLines.SkipLast(1).Select(line => line.Split(": ")).Count(IsRight);
        Assert.Equal(error, 100 - (100.0 * right / 8), 1e-3);
        Assert.Contains("left out 1 image of formats that are not read (1 .tif): cats/scan.tif.", Assert.Single(result.ErrorLines));

        static bool IsRight(string[] line) => Path.GetFileName(Path.GetDirectoryName(line[0])) == line[1].Split(' ')[0];
    }

    [Theory]
    [InlineData("data info folder --data bad\ufffd")]
    [InlineData("train --dataset folder --data bad\ufffd")]
    [InlineData("train --data {data} --out bad\ufffd")]
    [InlineData("eval --run bad\ufffd")]
    [InlineData("predict bad\ufffd a.png")]
    public void A_path_that_is_no_text_is_said_to_be_that(string command) =>
        _workplace.Refuse(command, "bad\ufffd: this name is not valid UTF-8. Rename the file or folder.");

    public void Dispose() => _workplace.Dispose();

    // Bitmaps of many shades, from left to right in the first class and upwards in the second.
    private void Write(string split, int images, params string[] classes)
    {
        for (int i = 0; i < images * classes.Length; i++)
        {
            int label = i % classes.Length;
            string folder = Path.Combine(_workplace["pictures"], split, classes[label]);
            Directory.CreateDirectory(folder);
            byte[] bitmap = new byte[54 + (20 * 60)];
            "BM"u8.CopyTo(bitmap);
            foreach ((int at, int value) in new[] { (2, bitmap.Length), (10, 54), (14, 40), (18, 20), (22, 20), (26, 1 | (24 << 16)) })
            {
                BinaryPrimitives.WriteInt32LittleEndian(bitmap.AsSpan(at), value);
            }

            for (int at = 54; at < bitmap.Length; at++)
            {
                int column = (at - 54) % 60 / 3, row = (at - 54) / 60;
                bitmap[at] = (byte)((8 * (label == 0 ? column : row)) + (2 * i));
            }

            File.WriteAllBytes(Path.Combine(folder, $"{i}.bmp"), bitmap);
        }
    }
}
