using System.Buffers.Binary;
using Onward.Data;

namespace Onward.Cli.Tests;

/// <summary>A temporary folder in which a test runs commands, without network, with a small MNIST in <c>data</c>.</summary>
internal sealed class Workplace : IDisposable
{
    public const int TrainingImages = 64;
    public const int TestImages = 32;

    public Workplace(int trainingImages = TrainingImages)
    {
        Write("train-images-idx3-ubyte", "train-labels-idx1-ubyte", 0, trainingImages);
        Write("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", trainingImages, TestImages);
        Directory.CreateDirectory(this["work"]);
    }

    public string Path { get; } = Directory.CreateTempSubdirectory("onward-cli-").FullName;

    /// <summary>The folder with the four files of MNIST.</summary>
    public string Data => this["data"];

    /// <summary>The files and folders in the working directory of the command line.</summary>
    public IEnumerable<string> Left => Directory.EnumerateFileSystemEntries(this["work"], "*", SearchOption.AllDirectories);

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Sorts the training images by class.</summary>
    public void SortByClass()
    {
        string images = System.IO.Path.Combine(Data, "train-images-idx3-ubyte");
        string labels = System.IO.Path.Combine(Data, "train-labels-idx1-ubyte");
        byte[] pixels = File.ReadAllBytes(images), classes = File.ReadAllBytes(labels);
        int[] order = [.. Enumerable.Range(0, classes.Length - 8).OrderBy(example => classes[8 + example])];
        File.WriteAllBytes(images, [.. pixels[..16], .. order.SelectMany(example => pixels.AsSpan(16 + (example * 784), 784).ToArray())]);
        File.WriteAllBytes(labels, [.. classes[..8], .. order.Select(example => classes[8 + example])]);
    }

    /// <summary>Writes a copy of the images with three channels to the folder <c>colour</c>.</summary>
    public void WriteColour()
    {
        Directory.CreateDirectory(this["colour"]);
        foreach (string set in new[] { "train", "t10k" })
        {
            byte[] grey = File.ReadAllBytes(System.IO.Path.Combine(Data, $"{set}-images-idx3-ubyte"));
            byte[] pixels = [.. grey[16..].SelectMany(pixel => new[] { pixel, (byte)(pixel / 2), (byte)(255 - pixel) })];
            byte[] colour = [0, 0, 8, 4, .. grey[4..16], 0, 0, 0, 3, .. pixels];
            File.WriteAllBytes(this[$"colour/{set}-images-idx4-ubyte"], colour);
            File.Copy(System.IO.Path.Combine(Data, $"{set}-labels-idx1-ubyte"), this[$"colour/{set}-labels-idx1-ubyte"]);
        }
    }

    /// <summary>Runs a command.</summary>
    /// <param name="command">The words of the command, separated by spaces; <c>{data}</c> and <c>{path}</c> stand for folders.</param>
    /// <param name="interruptAt">The text in a message at which Ctrl-C is pressed.</param>
    /// <param name="errorIsTerminal">True if messages go to a terminal.</param>
    public Result Run(string command, string? interruptAt = null, bool errorIsTerminal = false) =>
        Run([.. command.Split(' ').Select(WithFolders)], interruptAt, errorIsTerminal);

    /// <summary>Runs a command.</summary>
    /// <param name="words">The words of the command.</param>
    /// <param name="interruptAt">The text in a message at which Ctrl-C is pressed.</param>
    /// <param name="errorIsTerminal">True if messages go to a terminal.</param>
    /// <param name="width">The width of the terminal in columns.</param>
    /// <param name="variables">The environment variables.</param>
    public Result Run(
        string[] words,
        string? interruptAt = null,
        bool errorIsTerminal = false,
        int? width = null,
        IReadOnlyDictionary<string, string>? variables = null)
    {
        using StringWriter output = new() { NewLine = "\n" };
        using CancellationTokenSource interruption = new();
        using Watcher error = new(interruptAt, interruption.Cancel);
        int code = Cli.Run(
            words,
            new Host
            {
                Out = output,
                Error = error,
                ErrorIsTerminal = errorIsTerminal,
                OutWidth = () => width,
                ErrorWidth = () => width,
                Variable = name => variables?.GetValueOrDefault(name),
                WorkingDirectory = this["work"],
                Sources =
                [
                    new MnistSource { DataRoot = null, CacheDirectory = this["cache"], Mirrors = [] },
                    new FashionMnistSource { DataRoot = null, CacheDirectory = this["fashion-cache"], Mirrors = [] },
                    new CifarSource { DataRoot = null, CacheDirectory = this["cifar-cache"], Mirrors = [] },
                ],
                Interruption = interruption.Token,
            });
        return new Result(code, output.ToString(), error.ToString());
    }

    /// <summary>Runs a command that must be refused in one line and must leave no files.</summary>
    public void Refuse(string command, string expected)
    {
        List<string> before = [.. Left];

        RefuseBeside(command, expected);
        Assert.Equal(before, Left);
    }

    /// <summary>Runs a command that must be refused in one line, while another process writes to the folder.</summary>
    public void RefuseBeside(string command, string expected)
    {
        Result result = Run(command);

        Assert.Equal(2, result.Code);
        Assert.Equal("", result.Out);
        Assert.StartsWith("onward: ", result.Error);
        Assert.Contains(expected, result.Error);
        Assert.Single(result.ErrorLines);
    }

    /// <summary>Returns the lines of a run's metrics, without speed and time, which differ between equal runs.</summary>
    public string[] Measurements(string folder)
    {
        string[][] lines = [.. File.ReadAllLines(this[$"work/{folder}/metrics.csv"]).Select(line => line.Split(','))];
        int[] kept = [.. Enumerable.Range(0, lines[0].Length).Where(column => lines[0][column] is not ("images_per_second" or "seconds"))];
        return [.. lines.Select(line => string.Join(',', kept.Where(column => column < line.Length).Select(column => line[column])))];
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private string WithFolders(string word) =>
        word.Replace("{data}", Data, StringComparison.Ordinal).Replace("{path}", Path, StringComparison.Ordinal);

    private void Write(string imagesName, string labelsName, int first, int count)
    {
        (byte[] pixels, byte[] labels) = ProceduralDigits.Generate(5, (uint)first, count);
        Directory.CreateDirectory(Data);
        File.WriteAllBytes(System.IO.Path.Combine(Data, imagesName), [.. Header(0x803, count, 28, 28), .. pixels]);
        File.WriteAllBytes(System.IO.Path.Combine(Data, labelsName), [.. Header(0x801, count), .. labels]);
    }

    private static byte[] Header(params int[] words)
    {
        byte[] header = new byte[4 * words.Length];
        for (int i = 0; i < words.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4 * i), words[i]);
        }

        return header;
    }

    internal sealed record Result(int Code, string Out, string Error)
    {
        public string[] OutLines => Lines(Out);

        public string[] ErrorLines => Lines(Error);

        private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private sealed class Watcher : StringWriter
    {
        private readonly string? _signal;
        private readonly Action _found;

        public Watcher(string? signal, Action found)
        {
            (_signal, _found) = (signal, found);
            NewLine = "\n";
        }

        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            if (_signal is not null && value!.Contains(_signal, StringComparison.Ordinal))
            {
                _found();
            }
        }
    }
}
