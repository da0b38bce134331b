using System.Diagnostics;
using Onward.Data;
using SkiaSharp;

namespace Onward.Imaging.Tests;

/// <summary>Folders as users have them: names of splits, system folders, non-ASCII names, files of other formats.</summary>
public sealed class FolderLayoutTests : IDisposable
{
    private static readonly byte[] Gif = Convert.FromBase64String("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7");

    private readonly ImageFiles _files = new();
    private readonly List<string> _notices = [];

    [Theory]
    [InlineData("train", "val")]
    [InlineData("Train", "Test")]
    [InlineData("TRAINING", "valid")]
    [InlineData("training", "testing")]
    [InlineData("train", "Validation")]
    [InlineData("train", "dev")]
    public void Splits_are_known_by_several_names_in_any_case(string training, string test)
    {
        Write(training, "cat", "dog");
        Write(test, "cat", "dog", "cat");

        ImageDataset data = Load();

        Assert.Equal((2, 3, null), (data.Training.Count, data.Test.Count, data.Validation));
        Assert.Equal(["cat", "dog"], data.ClassNames);
        Assert.False(data.IsOneSet);
        Assert.Empty(_notices);
    }

    [Fact]
    public void With_three_splits_validation_and_test_are_told_apart()
    {
        Write("train", "cat", "dog");
        Write("val", "cat", "cat", "dog");
        Write("test", "cat", "dog", "dog", "dog");

        ImageDataset data = Load();

        Assert.Equal((2, 3, 4), (data.Training.Count, data.Validation!.Count, data.Test.Count));
        Assert.Equal([0, 0, 1], data.Validation.Labels.ToArray());
    }

    [Theory]
    [InlineData("train")]
    [InlineData("")]
    public void A_folder_without_other_splits_is_one_set_to_be_split_by_the_seed(string split)
    {
        Write(split, [.. Enumerable.Repeat("cat", 10), .. Enumerable.Repeat("dog", 20), "emu"]);

        ImageDataset data = Load(), first = data.Split(1), again = data.Split(1), other = data.Split(2);

        Assert.True(data.IsOneSet);
        Assert.Equal([10, 20, 1], Counts(data.Training));
        Assert.Equal([2, 4, 0], Counts(first.Test));
        Assert.Equal([8, 16, 1], Counts(first.Training));
        Assert.Equal(Shades(first.Test), Shades(again.Test));
        Assert.NotEqual(Shades(first.Test), Shades(other.Test));
        Assert.Equal(31, Shades(first.Test).Concat(Shades(first.Training)).Distinct().Count());
    }

    [Fact]
    public void One_image_cannot_be_split()
    {
        Write("", "cat");

        Assert.Contains("only one image", Assert.Throws<DataException>(() => Load().Split(1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Folders_named_as_splits_are_classes_beside_other_classes()
    {
        Write("", "bus", "car", "train");

        Assert.Equal(["bus", "car", "train"], Load().ClassNames);
    }

    [Theory]
    [InlineData(new[] { "train", "Train" }, "both Train and train in it")]
    [InlineData(new[] { "train", "val", "dev" }, "both dev and val in it")]
    [InlineData(new[] { "test" }, "to evaluate alone, name")]
    [InlineData(new[] { "train", "more" }, "no folder val or test. Add one, or name")]
    public void Splits_that_do_not_go_together_are_refused_in_one_line(string[] splits, string expected)
    {
        foreach (string split in splits)
        {
            Write(split, "cat", "dog");
        }

        DataException fault = Assert.Throws<DataException>(Load);

        Assert.Contains(expected, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault.Message);
    }

    [Fact]
    public void A_class_may_have_no_images_but_those_to_train_on()
    {
        Write("train", "ant", "cat", "dog", "emu");
        Write("val", "cat", "cat", "emu");
        Directory.CreateDirectory(_files["val/ant"]);

        ImageDataset data = Load();
        ImageFolder test = Assert.IsType<ImageFolder>(data.Test);

        Assert.Equal(4, test.Classes);
        Assert.Equal([1, 1, 3], test.Labels.ToArray());
        Assert.Equal(
            [_files["val/cat/0.png"], _files["val/cat/1.png"], _files["val/emu/2.png"]],
            Enumerable.Range(0, 3).Select(test.PathOf));
        Assert.All(Enumerable.Range(0, 3), example => Assert.True(test.TryRead(example, new RawImage())));
    }

    [Fact]
    public void Every_format_that_is_decoded_is_read_in_folders_at_any_depth()
    {
        byte[] jpeg = Image(9, SKEncodedImageFormat.Jpeg), png = Image(1);
        foreach (string name in new[] { "1.jpg", "2.jpeg", "3.jpe", "4.JFIF", "more/5.jpg", "more/still/6.jpg" })
        {
            _files.Write($"cat/{name}", jpeg);
        }

        _files.Write("cat/7.gif", Gif);
        _files.Write("cat/8.png", png);
        _files.Write("cat/9.webp", Image(2, SKEncodedImageFormat.Webp));
        _files.Write("dog/1.png", png);

        ImageFolder all = Assert.IsType<ImageFolder>(Load().Training);

        Assert.Equal((10, _files["cat/more/5.jpg"]), (all.Count, all.PathOf(7)));
        Assert.All(Enumerable.Range(0, all.Count), example => Assert.True(all.TryRead(example, new RawImage()), all.PathOf(example)));
        Assert.Empty(_notices);
    }

    [Fact]
    public void What_is_left_out_is_counted_and_told_with_the_reason()
    {
        Write("train", "cat", "cat", "dog");
        Write("val", "cat", "dog");
        Write("annotations", "cat");
        string[] names =
            ["train/cat/a.tif", "train/cat/b.TIF", "val/dog/c.heic", "train/cat/deep/d.tiff", "train/cat/notes.txt", "train/dog/raw"];
        foreach (string name in names)
        {
            _files.Write(name, [1]);
        }

        _files.Write("train/5.png", Image(5));
        Directory.CreateSymbolicLink(_files["train/cat/loop"], _files["train"]);

        ImageDataset data = Load();

        Assert.Equal((3, 2), (data.Training.Count, data.Test.Count));
        Assert.Equal(5, _notices.Count);
        Assert.All(_notices, notice => Assert.StartsWith($"{_files.Path}: left out ", notice, StringComparison.Ordinal));
        Assert.Contains(
            "4 images of formats that are not read (1 .heic, 2 .tif, 1 .tiff): train/cat/", _notices[0], StringComparison.Ordinal);
        Assert.EndsWith(" and others. Convert them to PNG or JPEG.", _notices[0], StringComparison.Ordinal);
        Assert.Contains("1 image in no folder of a class: train/5.png.", _notices[1], StringComparison.Ordinal);
        Assert.Contains("1 link to folders below a class: train/cat/loop.", _notices[2], StringComparison.Ordinal);
        Assert.Contains("1 folder for neither training nor validation nor test: annotations.", _notices[3], StringComparison.Ordinal);
        Assert.Contains(
            "2 files that are no images by their ending: train/cat/notes.txt, train/dog/raw.", _notices[4], StringComparison.Ordinal);
    }

    [Fact]
    public void A_class_of_other_formats_alone_is_refused_with_the_reason()
    {
        Write("train", "dog");
        Write("val", "dog");
        _files.Write("train/cat/a.tif", [1]);

        string fault = Assert.Throws<DataException>(Load).Message;

        Assert.Contains("no images in it", fault, StringComparison.Ordinal);
        Assert.Contains("1 image of formats that are not read (1 .tif): train/cat/a.tif", fault, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault);
    }

    [Theory]
    [InlineData("@eaDir")]
    [InlineData("__MACOSX")]
    [InlineData("lost+found")]
    [InlineData(".ipynb_checkpoints")]
    [InlineData("$Recycle.Bin")]
    [InlineData("System Volume Information")]
    public void Folders_of_systems_and_hidden_ones_are_no_classes_at_any_depth(string name)
    {
        byte[] png = Image(1);
        Write("train", "cat", "dog");
        Write("val", "cat", "dog");
        foreach (string place in new[] { "", "train/", "val/", "train/cat/", "train/cat/more/" })
        {
            _files.Write($"{place}{name}/0.png", png);
            _files.Write($"{place}{name}/more/1.png", png);
        }

        ImageDataset data = Load();

        Assert.Equal(["cat", "dog"], data.ClassNames);
        Assert.Equal((2, 2), (data.Training.Count, data.Test.Count));
        Assert.Empty(_notices);
    }

    [Theory]
    [InlineData("caf\u00e9", "cafe\u0301")]
    [InlineData("\ud55c\uae00", "\u1112\u1161\u11ab\u1100\u1173\u11af")]
    [InlineData("\u1e69", "s\u0323\u0307")]
    public void Composed_and_decomposed_letters_name_one_class(string composed, string decomposed)
    {
        foreach ((string first, string second) in new[] { (composed, decomposed), (decomposed, composed) })
        {
            using ImageFiles files = new();
            files.Write($"train/{first}/0.png", Image(1));
            files.Write("train/zoo/0.png", Image(2));
            files.Write($"val/{second}/0.png", Image(3));

            ImageDataset data = ImageFolder.Load(files.Path, 8, new SkippedImages());

            Assert.Contains(composed, data.ClassNames);
            Assert.Equal(composed, data.ClassNames[data.Test.Labels.Span[0]]);
            Assert.True(data.Test.TryRead(0, new RawImage()));
        }
    }

    [Fact]
    public void Two_spellings_of_a_class_in_one_split_are_refused()
    {
        Write("", "caf\u00e9", "cafe\u0301");

        Assert.Contains("two folders named caf\u00e9", Assert.Throws<DataException>(Load).Message, StringComparison.Ordinal);
    }

    // A shell can create names that no .NET string can represent.
    [Fact]
    public void Names_that_are_not_utf8_are_said_to_be_that()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems have names of letters alone.");
        Write("train", "cat", "dog");
        Write("val", "cat", "dog");
        Shell("cp train/cat/0.png train/cat/$(printf 'b\\377').png");
        Shell("mkdir train/cat/$(printf 'sub\\377'); cp train/cat/0.png train/cat/sub*/");

        try
        {
            RequireNamed();
        }
        finally
        {
            Shell("rm -r train"); // this program cannot
        }
    }

    private void RequireNamed()
    {
        ImageDataset data = Load();

        Assert.Equal(2, data.Training.Count);
        Assert.Equal(
            [$"{_files.Path}: left out 2 names that are not valid UTF-8: train/cat/b\ufffd.png, train/cat/sub\ufffd. Rename them."],
            _notices);

        Shell("mv train/dog train/$(printf 'dog\\377')");
        string fault = Assert.Throws<DataException>(Load).Message;
        Assert.Contains("the name of this folder is not valid UTF-8. Rename it.", fault, StringComparison.Ordinal);
    }

    // The replacement character is an ordinary character if the name itself contains it.
    [Fact]
    public void The_replacement_letter_may_be_in_a_name()
    {
        Write("", "cat", "d\ufffdg");

        Assert.Equal(["cat", "d\ufffdg"], Load().ClassNames);
        Assert.Equal(2, Load().Training.Count);
    }

    public void Dispose() => _files.Dispose();

    private void Write(string split, params string[] classes)
    {
        for (int i = 0; i < classes.Length; i++)
        {
            _files.Write(Path.Combine(split, classes[i], $"{i}.png"), Image((byte)i));
        }
    }

    private static byte[] Image(byte shade, SKEncodedImageFormat format = SKEncodedImageFormat.Png) =>
        ImageFiles.Encode(4, 4, (_, _) => new SKColor(shade, 0, 0), format);

    private static int[] Counts(ImageSet images) =>
        [.. Enumerable.Range(0, images.Classes).Select(label => images.Labels.Span.Count(label))];

    private static int[] Shades(ImageSet images)
    {
        RawImage image = new();
        return [.. Enumerable.Range(0, images.Count).Select(example => images.TryRead(example, image) ? image.Pixels[0] : -1)];
    }

    private void Shell(string command)
    {
        ProcessStartInfo start = new("sh", ["-c", command]) { WorkingDirectory = _files.Path };
        using Process shell = Process.Start(start)!;
        shell.WaitForExit();
        Assert.Equal(0, shell.ExitCode);
    }

    private ImageDataset Load() => ImageFolder.Load(_files.Path, 8, new SkippedImages(), _notices.Add);
}
