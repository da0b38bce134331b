using System.Buffers.Binary;
using System.Text.Json;

namespace Onward.Cli.Tests;

public sealed class DataTests : IDisposable
{
    private readonly Workplace _workplace = new();

    [Fact]
    public void List_shows_every_data_set_and_where_it_was_looked_for()
    {
        CopyToCache();

        Workplace.Result result = _workplace.Run("data list");

        Assert.Equal((0, ""), (result.Code, result.Error));
        Assert.Equal(
            ["name", "mnist", "fashion-mnist", "cifar-10", "digits", "idx", "folder", "text"],
            result.OutLines.Select(line => line.Split(' ')[0]));
        Assert.EndsWith(_workplace["cache"], result.OutLines[1]);
        Assert.EndsWith($"not found in {_workplace["cifar-cache"]}", result.OutLines[3]);
        JsonElement json = JsonDocument.Parse(_workplace.Run("data list --json").Out).RootElement;
        Assert.Equal(_workplace["cache"], json[0].GetProperty("found").GetString());
        Assert.Equal(JsonValueKind.Null, json[2].GetProperty("found").ValueKind);
    }

    [Fact]
    public void Info_counts_the_images_of_each_class()
    {
        JsonElement json = JsonDocument.Parse(_workplace.Run("data info mnist --data {data} --json").Out).RootElement;

        Assert.Equal(
            (Workplace.TrainingImages, Workplace.TestImages),
            (json.GetProperty("trainingImages").GetInt32(), json.GetProperty("testImages").GetInt32()));
        JsonElement[] classes = [.. json.GetProperty("classes").EnumerateArray()];
        Assert.Equal((10, Workplace.TrainingImages), (classes.Length, classes.Sum(one => one.GetProperty("train").GetInt32())));
        Assert.Contains("0.1307", _workplace.Run("data info mnist --data {data}").Out);
        Assert.Contains("drawn by this program", _workplace.Run("data info digits").Out);
        Assert.Equal(0, _workplace.Run("data info idx --data {data}").Code);
    }

    [Fact]
    public void Verify_ends_with_code_2_where_a_file_is_not_the_published_one()
    {
        File.Delete(Path.Combine(_workplace.Data, "t10k-labels-idx1-ubyte"));

        Workplace.Result result = _workplace.Run("data verify mnist --data {data}");

        Assert.Equal(2, result.Code);
        Assert.Matches("^train-images-idx3-ubyte.gz +differs$", result.OutLines[0]);
        Assert.Matches("^t10k-labels-idx1-ubyte.gz +missing$", result.OutLines[3]);
        Assert.All(_workplace.Run("data verify cifar-10").OutLines, line => Assert.EndsWith("missing", line));
    }

    [Fact]
    public void Download_says_that_nothing_was_to_do()
    {
        CopyToCache();

        Assert.Contains("already complete", _workplace.Run("data download mnist").Out);
        Assert.Contains("\"downloaded\":[]", _workplace.Run("data download mnist --json").Out);
    }

    [Theory]
    [InlineData("data", "'onward data' needs a command: list, info, verify, download or views. See 'onward data --help'.")]
    [InlineData("data --json", "'onward data' has no option '--json'. See 'onward data --help'.")]
    [InlineData("data --hepl", "'onward data' has no option '--hepl'; did you mean '--help'?")]
    [InlineData(
        "data info",
        "'onward data info' needs a NAME: mnist, fashion-mnist, cifar-10, digits, idx, folder or text. See 'onward data info --help'.")]
    [InlineData("data info --json", "'onward data info' needs a NAME: mnist")]
    [InlineData(
        "data verify",
        "'onward data verify' needs a NAME: mnist, fashion-mnist, cifar-10 or folder. See 'onward data verify --help'.")]
    [InlineData("data download", "'onward data download' needs a NAME: mnist, fashion-mnist or cifar-10.")]
    [InlineData(
        "data info mnist idx",
        "'onward data info' takes one NAME and options; 'idx' is neither. See 'onward data info --help'.")]
    [InlineData("data views mnist", "'onward data views' takes only options; 'mnist' is not an option")]
    [InlineData("data verify mnist --jsn", "'onward data verify' has no option '--jsn'; did you mean '--json'?")]
    [InlineData("data info cifar-10", "cifar-10 is not on this machine. Download it with 'onward data download cifar-10'")]
    [InlineData("data info minst", "NAME: unknown value 'minst'")]
    [InlineData("data verify digits", "NAME: unknown value 'digits'")]
    [InlineData("data info idx", "needs --data")]
    [InlineData("data info mnist --data {path}/absent", "no such folder")]
    [InlineData("data download fashion-mnist", "could not be downloaded")]
    [InlineData("train --dataset idx", "needs --data")]
    [InlineData("train --dataset folder", "needs --data")]
    [InlineData("train --dataset folder --data {data}", "no folder train in it")]
    [InlineData("train --dataset digits --image-size 32", "--image-size belongs to --dataset folder")]
    public void What_cannot_be_done_is_told_in_one_line(string command, string expected) => _workplace.Refuse(command, expected);

    [Fact]
    public void Own_idx_files_train_a_model_that_can_be_measured_again()
    {
        Assert.Equal(0, _workplace.Run("train --dataset idx --data {data} --model S/1/1 --epochs 1 --batch-size 32 --out run").Code);

        Assert.Equal(0, _workplace.Run("eval --run run").Code);
    }

    [Fact]
    public void Own_idx_files_in_colour_train_a_model_that_can_be_measured_again()
    {
        _workplace.WriteColour();

        Assert.Matches("size +28x28x3", _workplace.Run("data info idx --data {path}/colour").Out);
        Assert.Equal(0, _workplace.Run("train --dataset idx --data {path}/colour --model S/1/1 --epochs 1 --batch-size 32 --out run").Code);
        Assert.Equal(0, _workplace.Run("eval --run run").Code);
    }

    [Fact]
    public void Images_in_folders_train_a_model_that_can_be_measured_again_and_a_damaged_one_is_named()
    {
        WriteFolders();
        File.WriteAllText(_workplace["pictures/train/one/0.bmp"], "text");

        Workplace.Result trained = _workplace.Run(
            "train --dataset folder --data {path}/pictures --image-size 16 --model S/1/1 --epochs 1 --batch-size 4 --out run");
        Workplace.Result measured = _workplace.Run("eval --run run --json");
        Workplace.Result compared = _workplace.Run(
            "compare --dataset folder --data {path}/pictures --image-size 16 --rules LG-FG-A --model S/1/1 --epochs 1 --seeds 1 "
            + "--batch-size 4");

        Assert.All([trained, measured, compared], result => Assert.Equal(0, result.Code));
        Assert.All(
            [trained, measured, compared],
            result => Assert.Equal(
                $"onward: skipped 1 unreadable image: {_workplace["pictures/train/one/0.bmp"]} (no image)", result.ErrorLines[^1]));
        Assert.Contains("\"imageSize\": 16", File.ReadAllText(_workplace["work/run/config.json"]));
        Assert.Matches("images +16 for training, 16 for testing", _workplace.Run("data info folder --data {path}/pictures").Out);
    }

    [Fact]
    public void Too_many_damaged_images_end_the_run_in_one_line()
    {
        WriteFolders();
        foreach (string file in Directory.GetFiles(_workplace["pictures/train"], "*.bmp", SearchOption.AllDirectories))
        {
            File.WriteAllText(file, "text");
        }

        Workplace.Result result = _workplace.Run(
            "train --dataset folder --data {path}/pictures --image-size 16 --model S/1/1 --epochs 1 --batch-size 4");

        Assert.Equal(2, result.Code);
        Assert.Contains("skipped 11 unreadable images: ", result.ErrorLines[^1]);
        Assert.EndsWith(
            ", ...; at most 10 of 32 may be. List them all with 'onward data verify folder --data DIR'. "
            + "To allow more, give --max-damaged PERCENT, also with --resume.",
            result.ErrorLines[^1]);
    }

    [Fact]
    public void A_run_goes_on_with_a_copy_of_its_folder_but_not_with_a_renamed_image()
    {
        WriteFolders();
        _workplace.Run(
            "train --dataset folder --data {path}/pictures --image-size 16 --model S/1/1 --epochs 3 --batch-size 4 --out run",
            interruptAt: "epoch 1/3");
        Directory.Move(_workplace["pictures"], _workplace["moved"]);
        string image = _workplace["moved/train/one/0.bmp"], renamed = _workplace["moved/train/one/0b.bmp"];
        File.Move(image, renamed);

        _workplace.Refuse("train --resume run --data {path}/moved", "run was begun with other images: names or sizes of files differ.");

        File.Move(renamed, image);
        Assert.Equal(0, _workplace.Run("train --resume run --data {path}/moved").Code);
    }

    public void Dispose() => _workplace.Dispose();

    // Two classes of eight plain grey bitmaps each, dark and bright.
    private void WriteFolders()
    {
        for (int i = 0; i < 32; i++)
        {
            string folder = _workplace[$"pictures/{(i < 16 ? "train" : "val")}/{(i % 2 == 0 ? "one" : "two")}"];
            Directory.CreateDirectory(folder);
            byte[] bitmap = new byte[54 + (20 * 60)];
            "BM"u8.CopyTo(bitmap);
            foreach ((int at, int value) in new[] { (2, bitmap.Length), (10, 54), (14, 40), (18, 20), (22, 20), (26, 1 | (24 << 16)) })
            {
                BinaryPrimitives.WriteInt32LittleEndian(bitmap.AsSpan(at), value);
            }

            bitmap.AsSpan(54).Fill((byte)((i % 2 * 128) + i));
            File.WriteAllBytes(Path.Combine(folder, $"{i}.bmp"), bitmap);
        }
    }

    private void CopyToCache()
    {
        Directory.CreateDirectory(_workplace["cache"]);
        foreach (string file in Directory.GetFiles(_workplace.Data))
        {
            File.Copy(file, Path.Combine(_workplace["cache"], Path.GetFileName(file)));
        }
    }
}
