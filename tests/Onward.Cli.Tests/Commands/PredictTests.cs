using System.Text.Json.Nodes;
using Onward.Data;
using Onward.Models;
using Onward.Training;
using SkiaSharp;

namespace Onward.Cli.Tests;

public sealed class PredictTests : IDisposable
{
    private const string Small = "train --data {data} --model S/1/1 --batch-size 16 --epochs 2 --out run";
    private const string Deep = "train --data {data} --model M/8/16 --batch-size 16 --epochs 1 --out run";

    private readonly Workplace _workplace = new();

    [Theory]
    [InlineData(1, SKColorType.Gray8)]
    [InlineData(4, SKColorType.Rgba8888)]
    public void Image_files_are_wrong_as_often_as_eval_says(int zoom, SKColorType type)
    {
        _workplace.Run(Small);
        byte[] labels = WriteTestImages(zoom, type);

        JsonNode[] answers = Predict("");

        double error = 100.0 * answers.Where((answer, i) => Best(answer) != labels[i].ToString()).Count() / labels.Length;
        Assert.Equal((double)JsonNode.Parse(_workplace.Run("eval --run run --json").Out)!["testError"]!, error);
        Assert.All(answers, answer => Assert.Equal(5, answer["classes"]!.AsArray().Count));
    }

    // Weights that are not finite, and finite ones whose outputs are not.
    [Theory]
    [InlineData(float.NaN, "not finite: the training diverged, or the file is damaged")]
    [InlineData(3e38f, "are not finite, because its training diverged")]
    public void A_model_that_has_diverged_is_refused_in_one_line(float weight, string expected)
    {
        _workplace.Run(Small);
        WriteTestImages(1, SKColorType.Gray8);
        string path = _workplace["work/run/model.safetensors"];
        Network model = ModelFile.Load(path);
        model.Values[model.FinalHead.Weight].Fill(weight);
        ModelFile.Save(model, path);

        foreach (string command in new[] { "predict run {path}/0.png", "eval --run run" })
        {
            _workplace.Refuse(command, expected);
            _workplace.Refuse($"{command} --json", expected);
        }
    }

    [Fact]
    public void The_most_probable_classes_come_first_and_all_make_up_one()
    {
        _workplace.Run(Small);
        WriteTestImages(1, SKColorType.Gray8);

        Workplace.Result text = _workplace.Run($"predict run {_workplace["0.png"]} {_workplace["1.png"]} --top 2");
        JsonNode answer = Predict("--top 10")[0];

        double[] probabilities = [.. answer["classes"]!.AsArray().Select(one => (double)one!["probability"]!)];
        Assert.Equal(probabilities.OrderDescending(), probabilities);
        Assert.Equal(1, probabilities.Sum(), 1e-4);
        Assert.Equal(["image", "classes", "block"], answer.AsObject().Select(pair => pair.Key));
        Assert.Null(answer["block"]);
        Assert.Equal(2, text.OutLines.Length);
        Assert.Matches($@"^{_workplace["0.png"]}: {Best(answer)} \d+\.\d\d %, \d \d+\.\d\d %$", text.OutLines[0]);
    }

    [Fact]
    public void A_block_answers_in_place_of_those_after_it()
    {
        _workplace.Run(Deep);
        byte[] labels = WriteTestImages(1, SKColorType.Gray8);
        JsonNode measured = JsonNode.Parse(_workplace.Run("eval --run run --json --exit-confidence 0.3").Out)!;

        for (int block = 0; block < 4; block++)
        {
            JsonNode[] answers = Predict($"--max-block {block}");

            Assert.All(answers, answer => Assert.Equal(block, (int)answer["block"]!));
            Assert.Equal(
                (double)measured["blockTestErrors"]![block]!,
                100.0 * answers.Where((answer, i) => Best(answer) != labels[i].ToString()).Count() / labels.Length);
        }

        JsonNode[] early = Predict("--exit-confidence 0.3");
        Assert.All(early, answer => Assert.True(answer["block"] is null || (double)answer["classes"]![0]!["probability"]! >= 0.3 - 1e-6));
        for (int block = 0; block < 4; block++)
        {
            Assert.Equal(
                (double)measured["blocks"]![block]!["exitShare"]!,
                100.0 * early.Count(answer => (int?)answer["block"] == block) / labels.Length);
        }

        Assert.EndsWith(" (block 2)", _workplace.Run($"predict run {_workplace["0.png"]} --max-block 2").OutLines[0]);
        Assert.EndsWith(" (block 0)", _workplace.Run($"predict run {_workplace["0.png"]} --exit-confidence 0.01").OutLines[0]);
    }

    [Fact]
    public void Eval_tells_what_each_block_costs_and_how_many_images_it_answers()
    {
        _workplace.Run(Deep);

        JsonNode all = JsonNode.Parse(_workplace.Run("eval --run run --json --exit-confidence 0.01").Out)!;
        JsonNode plain = JsonNode.Parse(_workplace.Run("eval --run run --json").Out)!;
        Workplace.Result table = _workplace.Run("eval --run run --exit-confidence 1");

        double[] cost = [.. plain["blocks"]!.AsArray().Select(block => (double)block!["mflop"]!)];
        Assert.Equal(4, cost.Length);
        Assert.Equal(cost.Order(), cost);
        Assert.Equal((100, 0), ((double)all["blocks"]![0]!["exitShare"]!, (double)all["blocks"]![3]!["exitShare"]!));
        Assert.Equal(
            (100 - (double)all["blocks"]![0]!["testAccuracy"]!, cost[0]),
            ((double)all["earlyExit"]!["testError"]!, (double)all["earlyExit"]!["mflop"]!));
        Assert.Null(plain["earlyExit"]);
        Assert.Null(plain["blocks"]![0]!["exitShare"]);
        Assert.Matches("^ +train error +test error +test accuracy +MFLOP +exits$", table.OutLines[1]);
        Assert.StartsWith("with --exit-confidence 1: test error ", table.OutLines[^1]);
    }

    [Fact]
    public void Classes_have_the_names_of_the_folders_and_images_are_cropped_as_theirs_are()
    {
        int[] shades = [30, 60, 180, 220];
        foreach ((string split, int first) in new[] { ("train", 0), ("val", 1) })
        {
            for (int i = 0; i < 16; i++)
            {
                // Bright ones have a dark frame, which only a crop of the middle leaves out.
                byte shade = (byte)shades[(i % 4) ^ first];
                byte frame = (byte)(i % 4 < 2 ? shade : 0);
                Write(
                    $"pictures/{split}/{(i % 4 < 2 ? "dark" : "bright")}/{i}.png",
                    40,
                    30,
                    SKColorType.Rgba8888,
                    (x, y) => x is < 14 or > 25 ? frame : shade);
            }
        }

        _workplace.Run("train --dataset folder --data {path}/pictures --image-size 16 --model S/1/1 --epochs 4 --batch-size 4 --out run");
        string[] files =
        [
            .. Directory.GetFiles(_workplace["pictures/val"], "*.png", SearchOption.AllDirectories).Order(StringComparer.Ordinal),
        ];
        JsonNode[] answers = Lines(_workplace.Run($"predict run {string.Join(' ', files)} --json"));

        int wrong = answers.Count(answer => !((string)answer["image"]!).Contains($"/{Best(answer)}/", StringComparison.Ordinal));
        JsonNode measured = JsonNode.Parse(_workplace.Run("eval --run run --json").Out)!;
        Assert.Equal((double)measured["testError"]!, 100.0 * wrong / files.Length);
        Assert.Equal(["bright", "dark"], answers[0]["classes"]!.AsArray().Select(one => (string)one!["class"]!).Order());
    }

    [Fact]
    public void A_contrastive_run_answers_with_its_readout_alone()
    {
        _workplace.Run($"{Small} --objective contrastive --projection 8");
        WriteTestImages(1, SKColorType.Gray8);

        Assert.All(Predict(""), answer => Assert.Null(answer["block"]));
        _workplace.Refuse("predict run {path}/0.png --exit-confidence 0.9", "--exit-confidence means nothing to ");
        _workplace.Refuse(
            "predict run {path}/0.png --max-block 0",
            "a contrastive run: the heads of its blocks compare images and know no classes. Leave it out.");
        _workplace.Refuse("eval --run run --exit-confidence 0.9", "--exit-confidence means nothing to ");
    }

    [Fact]
    public void Heads_that_a_global_rule_left_as_they_were_do_not_answer()
    {
        _workplace.Run($"{Small} --rule BP");
        WriteTestImages(1, SKColorType.Gray8);

        Assert.All(Predict(""), answer => Assert.Null(answer["block"]));
        _workplace.Refuse(
            "predict run {path}/0.png --max-block 0",
            "trained with BP, which has no local losses: the heads of its blocks have learned nothing. Leave it out.");
        _workplace.Refuse("eval --run run --exit-confidence 0.9", "--exit-confidence means nothing to ");
    }

    [Fact]
    public void A_run_that_kept_no_classes_takes_those_of_its_data()
    {
        _workplace.Run(Small);
        WriteTestImages(1, SKColorType.Gray8);
        string line = _workplace.Run("predict run {path}/0.png").Out;
        JsonObject configuration = Configuration();
        Assert.True(configuration.Remove("images"));
        File.WriteAllText(_workplace["work/run/config.json"], configuration.ToJsonString());

        Workplace.Result result = _workplace.Run("predict run {path}/0.png");

        Assert.Equal((0, line), (result.Code, result.Out));
        Assert.Equal(
            $"onward: {_workplace["work/run"]} is of a version that kept no class names and no statistics of its images; "
            + "they are taken from mnist as it is here.",
            Assert.Single(result.ErrorLines));
    }

    [Theory]
    [InlineData("classNames", "[\"a\"]")]
    [InlineData("mean", "[0.1,0.2]")]
    [InlineData("standardDeviation", "[0]")]
    public void Classes_and_statistics_that_do_not_fit_are_refused(string name, string value)
    {
        _workplace.Run(Small);
        WriteTestImages(1, SKColorType.Gray8);
        JsonObject configuration = Configuration();
        configuration["images"]![name] = JsonNode.Parse(value);
        File.WriteAllText(_workplace["work/run/config.json"], configuration.ToJsonString());

        _workplace.Refuse(
            "predict run {path}/0.png", "do not fit its model of 1 channels and 10 classes. Restore the folder, or train again.");
        _workplace.Refuse("export run model.onnx", "do not fit its model");
    }

    [Theory]
    [InlineData("predict", "'onward predict' needs a RUN: run folder")]
    [InlineData("predict run", "'onward predict' needs an IMAGE: image files")]
    [InlineData("predict absent {path}/0.png", "absent: no such folder. Name the folder of a run")]
    [InlineData("predict run/config.json {path}/0.png", "config.json is a file. Name the folder of a run")]
    [InlineData("predict {data} {path}/0.png", "no config.json in it. Name the folder of a run")]
    [InlineData("predict run {path}/absent.png", "absent.png: no such file. Name image files.")]
    [InlineData("predict run {path}/0.png {path}/absent.png", "absent.png: no such file. Name image files.")]
    [InlineData("predict run {data}", "no images in it, expected files that end in .jpg, .png,")]
    [InlineData(
        "predict run run/config.json",
        "config.json: not an image that can be read. Name an intact JPEG, PNG, GIF, BMP or WebP file.")]
    [InlineData("predict run {path}/empty.png", "empty.png: empty. Name an intact")]
    [InlineData("predict run {path}/short.png", "short.png: truncated. Name an intact")]
    [InlineData("predict run {path}/0.png --top 11", "--top 11 is more than the 10 classes of ")]
    [InlineData("predict run {path}/0.png --top 0", "--top must be a whole number, 1 or more; got '0'")]
    [InlineData("predict run {path}/0.png --max-block 1", "--max-block 1 is beyond the last block of ")]
    [InlineData("predict run {path}/0.png --max-block -1", "--max-block must be a whole number, 0 or more; got '-1'")]
    [InlineData("predict run {path}/0.png --exit-confidence 0", "--exit-confidence must be a number above 0 and at most 1; got '0'")]
    [InlineData("predict run {path}/0.png --exit-confidence 1.01", "--exit-confidence must be a number above 0 and at most 1; got '1.01'")]
    [InlineData("predict run {path}/0.png --exit-confidence NaN", "--exit-confidence must be a number above 0 and at most 1; got 'NaN'")]
    [InlineData("eval --run run --exit-confidence 2", "--exit-confidence must be a number above 0 and at most 1; got '2'")]
    public void What_is_wrong_is_told_in_one_line(string command, string expected)
    {
        _workplace.Run(Small);
        WriteTestImages(1, SKColorType.Gray8);
        File.WriteAllText(_workplace["empty.png"], "");
        byte[] whole = File.ReadAllBytes(_workplace["0.png"]);
        File.WriteAllBytes(_workplace["short.png"], whole[..(whole.Length / 2)]);

        _workplace.Refuse(command, expected);
    }

    [Fact]
    public void A_damaged_model_is_told()
    {
        _workplace.Run(Small);
        WriteTestImages(1, SKColorType.Gray8);
        string model = _workplace["work/run/model.safetensors"];
        byte[] whole = File.ReadAllBytes(model);
        File.WriteAllBytes(model, whole[..^100]);

        _workplace.Refuse("predict run {path}/0.png", $"{model}: tensor ");
        _workplace.Refuse("export run model.onnx", $"{model}: tensor ");
        _workplace.Refuse($"inspect {model}", $"{model}: tensor ");
        File.Delete(model);
        _workplace.Refuse("predict run {path}/0.png", $"{model}: no such file");
    }

    public void Dispose() => _workplace.Dispose();

    private JsonNode[] Predict(string options)
    {
        IEnumerable<string> images = Enumerable.Range(0, Workplace.TestImages).Select(i => _workplace[$"{i}.png"]);
        return Lines(_workplace.Run($"predict run {string.Join(' ', images)} --json {options}".TrimEnd()));
    }

    private static JsonNode[] Lines(Workplace.Result result)
    {
        Assert.Equal((0, ""), (result.Code, result.Error));
        return [.. result.OutLines.Select(line => JsonNode.Parse(line)!)];
    }

    private static string Best(JsonNode answer) => (string)answer["classes"]![0]!["class"]!;

    private JsonObject Configuration() => JsonNode.Parse(File.ReadAllText(_workplace["work/run/config.json"]))!.AsObject();

    // The test images, each pixel so many times over.
    private byte[] WriteTestImages(int zoom, SKColorType type)
    {
        ImageSet images = new MnistSource().Load(_workplace.Data, cancellation: TestContext.Current.CancellationToken).Test;
        RawImage image = new();
        for (int i = 0; i < images.Count; i++)
        {
            Assert.True(images.TryRead(i, image));
            byte[] pixels = [.. image.Pixels];
            Write($"{i}.png", 28 * zoom, 28 * zoom, type, (x, y) => pixels[(y / zoom * 28) + (x / zoom)]);
        }

        return [.. images.Labels.ToArray().Select(label => (byte)label)];
    }

    private void Write(string name, int width, int height, SKColorType type, Func<int, int, byte> shade)
    {
        using SKBitmap bitmap = new(
            new SKImageInfo(width, height, type, type == SKColorType.Gray8 ? SKAlphaType.Opaque : SKAlphaType.Unpremul));
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                byte value = shade(x, y);
                bitmap.SetPixel(x, y, new SKColor(value, value, value));
            }
        }

        Directory.CreateDirectory(Path.GetDirectoryName(_workplace[name])!);
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        File.WriteAllBytes(_workplace[name], data.ToArray());
    }
}
