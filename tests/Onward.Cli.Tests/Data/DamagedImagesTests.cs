using System.Diagnostics;
using System.Text.Json.Nodes;
using SkiaSharp;

namespace Onward.Cli.Tests;

/// <summary>Damaged images in predictions and training, and images from pipes.</summary>
public sealed class DamagedImagesTests : IDisposable
{
    private const string Train = "train --dataset folder --data {path}/pictures --image-size 16 --model S/1/1 --epochs 1 --batch-size 4";

    private readonly Workplace _workplace = new();

    [Theory]
    [InlineData("")]
    [InlineData(" --json")]
    public void Predictions_of_intact_images_survive_a_damaged_one(string json)
    {
        WritePictures();
        Assert.Equal(0, _workplace.Run($"{Train} --out run").Code);
        string[] files =
        [
            .. Directory.GetFiles(_workplace["pictures/val"], "*.png", SearchOption.AllDirectories).Order(StringComparer.Ordinal),
        ];
        string[] whole = _workplace.Run($"predict run {string.Join(' ', files)}{json}").OutLines;
        File.WriteAllText(files[3], "This is no image.");

        Workplace.Result result = _workplace.Run($"predict run {string.Join(' ', files)}{json}");

        Assert.Equal(2, result.Code);
        Assert.Equal(whole.Where((_, i) => i != 3), result.OutLines);
        Assert.Equal(
            [
                $"onward: {files[3]}: not an image that can be read. Name an intact JPEG, PNG, GIF, BMP or WebP file.",
                $"onward: 1 of {files.Length} images could not be read. All others were classified.",
            ],
            result.ErrorLines);
    }

    [Fact]
    public void Verify_lists_all_damaged_images_and_advises_no_removal_from_a_run()
    {
        WritePictures();
        Workplace.Result intact = _workplace.Run("data verify folder --data {path}/pictures");
        File.WriteAllText(_workplace["pictures/train/a/1.png"], "This is no image.");
        File.WriteAllText(_workplace["pictures/val/b/2.png"], "");

        Workplace.Result result = _workplace.Run("data verify --dataset folder --data {path}/pictures --threads 2");
        JsonNode json = JsonNode.Parse(_workplace.Run("data verify folder --data {path}/pictures --json").Out)!;

        Assert.Equal((0, "32 images, 0 damaged\n", ""), (intact.Code, intact.Out, intact.Error));
        Assert.Equal(2, result.Code);
        Assert.Equal(
            [$"{_workplace["pictures/train/a/1.png"]}: no image", $"{_workplace["pictures/val/b/2.png"]}: empty", "32 images, 2 damaged"],
            result.OutLines);
        Assert.Contains("before you start a run", Assert.Single(result.ErrorLines));
        Assert.Equal((32, 2, "empty"), ((int)json["images"]!, json["damaged"]!.AsArray().Count, (string?)json["damaged"]![1]!["fault"]));
    }

    [Fact]
    public void The_limit_of_damaged_images_is_an_option_also_of_a_run_that_goes_on()
    {
        WritePictures();
        File.WriteAllText(_workplace["pictures/train/a/1.png"], "This is no image.");

        Workplace.Result ended = _workplace.Run($"{Train} --max-damaged 0 --out run");
        Workplace.Result again = _workplace.Run("train --resume run --max-damaged 0");
        Workplace.Result gone = _workplace.Run("train --resume run --max-damaged 4");

        Assert.Equal((2, 2, 0), (ended.Code, again.Code, gone.Code));
        Assert.EndsWith(
            "1.png (no image); at most 0 of 32 may be. List them all with 'onward data verify folder --data DIR'. "
            + "To allow more, give --max-damaged PERCENT, also with --resume.",
            ended.ErrorLines[^1]);
        Assert.Equal($"onward: skipped 1 unreadable image: {_workplace["pictures/train/a/1.png"]} (no image)", gone.ErrorLines[^1]);
        _workplace.Refuse("train --dataset digits --max-damaged 4 --out other", "--max-damaged applies only to --dataset folder");
        _workplace.Refuse("train --dataset digits --no-antialias --out other", "--no-antialias applies only to --dataset folder");
    }

    [Fact(Timeout = 120_000)]
    public async Task A_pipe_among_the_images_counts_as_damaged()
    {
        WritePictures();
        Pipe("pictures/train/a/x.jpg");

        Workplace.Result result = await Task.Run(() => _workplace.Run($"{Train} --out run"), TestContext.Current.CancellationToken);

        Assert.Equal(0, result.Code);
        Assert.EndsWith("x.jpg (cannot be opened)", result.ErrorLines[^1]);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_pipe_that_was_named_is_read()
    {
        WritePictures();
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        string pipe = Pipe("pipe"), options = _workplace["options.json"], image = _workplace["pictures/val/a/0.png"];
        File.WriteAllText(options, """{ "seed": 7 }""");

        Task<Workplace.Result> train = Task.Run(() => _workplace.Run($"{Train} --out run --config {{path}}/pipe"), cancellation);
        await Task.Run(() => Feed(pipe, options), cancellation);
        Assert.Equal(0, (await train).Code);
        Assert.Equal(7, (int)JsonNode.Parse(File.ReadAllText(_workplace["work/run/config.json"]))!["seed"]!);

        Task<Workplace.Result> predict = Task.Run(() => _workplace.Run($"predict run {pipe} {image}"), cancellation);
        await Task.Run(() => Feed(pipe, image), cancellation);
        string[] lines = (await predict).OutLines;
        Assert.Equal(2, lines.Length);
        Assert.Equal(lines[1][(image.Length + 2)..], lines[0][(pipe.Length + 2)..]);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_pipe_in_the_place_of_a_file_of_a_run_is_refused()
    {
        WritePictures();
        _workplace.Run($"{Train} --out run");
        foreach (string name in new[] { "model.safetensors", "config.json" })
        {
            File.Delete(_workplace[$"work/run/{name}"]);
            Pipe($"work/run/{name}");
            await Task.Run(() => _workplace.Refuse("predict run {path}/pictures/val/a/0.png", name), TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public void An_export_says_how_images_are_resized_and_a_run_keeps_its_way()
    {
        WritePictures();
        _workplace.Run($"{Train} --out run");
        _workplace.Run($"{Train} --no-antialias --out plain");
        _workplace.Run("train --data {data} --model S/1/1 --batch-size 16 --epochs 1 --out mnist");

        JsonNode smooth = JsonNode.Parse(_workplace.Run("export run run.onnx --json").Out)!;
        Workplace.Result plain = _workplace.Run("export plain plain.onnx");

        const string Crop = "middle square of 16/48 of the shorter side, bicubic (a = -0.5) to 16x16, ";
        Assert.Equal(Crop + "antialiased, as PIL and torchvision by default", (string?)smooth["resize"]);
        Assert.Contains($"{Crop}not antialiased: four taps at any scale", plain.Out);
        Assert.Contains("none in training: the images of mnist are 28x28", _workplace.Run("export mnist mnist.onnx").Out);
        Assert.Contains($"{Crop}not antialiased", File.ReadAllText(_workplace["work/plain.onnx"]));
        Assert.Equal((true, false, false), (Antialias("run"), Antialias("plain"), Antialias("mnist")));

        // A run of an earlier version says nothing, and did not smooth.
        string path = _workplace["work/run/config.json"];
        JsonObject old = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        old.Remove("antialias");
        File.WriteAllText(path, old.ToJsonString());
        Assert.Contains("not antialiased", _workplace.Run("export run run.onnx").Out);

        bool Antialias(string run) => (bool)JsonNode.Parse(File.ReadAllText(_workplace[$"work/{run}/config.json"]))!["antialias"]!;
    }

    public void Dispose() => _workplace.Dispose();

    private static void Feed(string pipe, string file)
    {
        using FileStream end = new(pipe, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        end.Write(File.ReadAllBytes(file));
    }

    private string Pipe(string name)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no pipes in folders.");
        using Process make = Process.Start("mkfifo", _workplace[name]);
        make.WaitForExit();
        return _workplace[name];
    }

    // Two classes of eight images in each set.
    private void WritePictures()
    {
        for (int i = 0; i < 32; i++)
        {
            string path = _workplace[$"pictures/{(i < 16 ? "train" : "val")}/{(i / 8 % 2 == 0 ? "a" : "b")}/{i % 8}.png"];
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using SKBitmap bitmap = new(40, 30);
            bitmap.Erase(new SKColor((byte)(8 * i), (byte)(255 - (4 * i)), 100));
            using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
            File.WriteAllBytes(path, data.ToArray());
        }
    }
}
