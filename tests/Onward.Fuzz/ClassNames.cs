using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Onward.Data;
using SkiaSharp;

namespace Onward.Fuzz;

/// <summary>Tests hostile class names, from run configurations and from image folders, in the output of commands and in reports.</summary>
internal static class ClassNames
{
    private const string FileName = "names.txt";
    private const int LongestName = 60; // characters of a folder name; file systems allow 255 bytes

    private static readonly string[] Hostile =
    [
        "\u001b[2J", "\u001b]0;x\u0007", "\r", "\t", "\b\b\b", "\0", "\u0085", "\u009b31m", "\u2028", "\u2029", "\u202e", "\u2066",
        "\u200f", "\u061c", "\ufeff", "\u00ad", "\ufffe", "\ud800", "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>",
        "&amp;", "'", "\\", "..", ".", " ", "-", "--json", "$(x)", "[red]", "[/]", "{0}", "%s", "|", ",", "\u00e9", "e\u0301",
        "\U0001f469\u200d\U0001f680", "\u732b", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "nul", "@eaDir",
        "train", "\n",
    ];

    /// <summary>Creates the reader.</summary>
    /// <param name="folder">Folder for seed files.</param>
    /// <param name="run">The files of a run.</param>
    internal static Reader Reader(string folder, SeedFile[] run)
    {
        SeedFile[] files =
        [
            .. run.Select(file => file with { Mutate = null }).Where(file => file.Name != "model.safetensors"),
            new SeedFile("model.safetensors", ModelReaders.Model(folder, channels: 3), Mutate: null),
            new SeedFile(FileName, "cat\ndog\nfox"u8.ToArray(), Mutate),
        ];
        byte[] image = Imaging.Tests.ImageFiles.Encode(4, 4, (_, _) => SKColors.Red, SKEncodedImageFormat.Png);
        return new Reader("class-names", 1, [files], (place, path) => Read(place, path, image));
    }

    private static byte[] Mutate(byte[] content, byte[] donor, Draw draw)
    {
        string text = Encoding.UTF8.GetString(content);
        for (int rounds = draw.Pick([1, 1, 2, 4]); rounds > 0; rounds--)
        {
            text = text.Insert(draw.Below(text.Length + 1), draw.Pick(Hostile));
        }

        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return draw.Percent(20) ? ByteMutation.Apply(bytes, donor, draw) : bytes;
    }

    private static string? Read(string folder, string path, byte[] image)
    {
        string[] names = File.ReadAllText(path).Split('\n');
        string data = MakeImages(folder, names, image);
        try
        {
            return Predict(folder, names) ?? Show(folder, data);
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    private static string? Predict(string folder, string[] names)
    {
        Configure(folder, names, null);
        string[] words = ["predict", folder, Path.Combine(folder, "image.png"), "--threads", "1"];
        CommandReaders.Outcome text = CommandReaders.Run(folder, words), json = CommandReaders.Run(folder, [.. words, "--json"]);
        if (text.Code != 0)
        {
            return text.Refusal;
        }

        RequirePlain("predict", text.Out, lines: 1);
        RequirePlain("predict --json", json.Out, lines: 1);
        string[] told =
        [
            .. JsonNode.Parse(json.Out)!["classes"]!.AsArray().Select(one => (string)one!["class"]!).Order(StringComparer.Ordinal),
        ];
        return told.SequenceEqual(names.Order(StringComparer.Ordinal))
            ? null
            : throw new InconsistentException($"predict --json prints other names: {json.Out}");
    }

    private static string? Show(string folder, string data)
    {
        string[] info = ["data", "info", "folder", "--data", data, "--image-size", "4"];
        CommandReaders.Outcome text = CommandReaders.Run(folder, info);
        if (text.Code != 0)
        {
            return text.Refusal;
        }

        RequirePlain("data info", text.Out, lines: null);
        RequirePlain("data info --json", CommandReaders.Run(folder, [.. info, "--json"]).Out, lines: 1);
        string[] classes =
        [
            .. Directory.GetDirectories(Path.Combine(data, "train")).Select(Path.GetFileName).Order(StringComparer.Ordinal)!,
        ];
        Configure(folder, classes, data);
        string page = Path.Combine(folder, "page.html");
        CommandReaders.Outcome report = CommandReaders.Run(folder, "report", folder, "--out", page, "--threads", "1");
        if (report.Code != 0)
        {
            return report.Refusal;
        }

        RequirePlain("report", report.Error, lines: null);
        string html = File.ReadAllText(page);
        RequirePlain("the page", html, lines: null);
        File.Delete(page);
        return html.Split("<script").Length == 2
            && !html.Contains("<img src=x", StringComparison.Ordinal)
            ? null
            : throw new InconsistentException("a name became a piece of the page");
    }

    private static void Configure(string folder, string[] names, string? data)
    {
        RunConfiguration run = CommandReaders.Configuration() with
        {
            Dataset = data is null ? "mnist" : "folder",
            Data = data,
            ImageSize = data is null ? null : 4,
            Images = new ImageDescription(names, [0.5f, 0.5f, 0.5f], [0.25f, 0.25f, 0.25f]),
        };
        File.WriteAllText(Path.Combine(folder, "config.json"), JsonSerializer.Serialize(run, RunConfiguration.Json));
    }

    // Creates a folder for each name that the file system accepts.
    private static string MakeImages(string folder, string[] names, byte[] image)
    {
        string data = Path.Combine(folder, "images");
        IEnumerable<string> usable = names.Take(3)
            .Select(name => string.Concat(name.Where(letter => letter is not ('/' or '\0')).Take(LongestName)));
        foreach (string name in usable)
        {
            foreach (string split in new[] { "train", "val" })
            {
                string place = Path.Combine(data, split, name.Trim() is "" or "." or ".." ? "x" : name);
                Directory.CreateDirectory(place);
                File.WriteAllBytes(Path.Combine(place, "0.png"), image);
            }
        }

        return data;
    }

    // Control characters, line separators, and characters that change the direction of text. A line feed is allowed.
    private static bool IsControl(char letter) => letter != '\n'
        && (char.IsControl(letter)
            || letter is '\u2028' or '\u2029' or '\u061c' or '\u200e' or '\u200f'
            || letter is >= '\u202a' and <= '\u202e'
            || letter is >= '\u2066' and <= '\u2069');

    private static void RequirePlain(string what, string text, int? lines)
    {
        if (text.FirstOrDefault(IsControl) is not '\0' and char found)
        {
            throw new InconsistentException($"{what} has the letter {(int)found:x4}");
        }

        if (lines is int expected && text.Count(letter => letter == '\n') != expected)
        {
            throw new InconsistentException($"{what} has more lines than {expected}");
        }
    }
}
