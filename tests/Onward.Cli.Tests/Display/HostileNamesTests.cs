using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using SkiaSharp;

namespace Onward.Cli.Tests;

/// <summary>Names of files, folders and classes that contain control characters, in every command that prints them.</summary>
public sealed class HostileNamesTests : IDisposable
{
    private const string First = "a\u001b[31mred\nonward: fine\r\u009b2J", Second = "b\u202egnp.\u2028x\u0007\u200f";

    private static readonly string[] OnImages =
        ["--dataset", "folder", "--data", "{data}", "--image-size", "16", "--model", "S/1/1", "--batch-size", "2"];

    private static readonly string[][] Commands =
    [
        ["data", "info", "folder", "--data", "{data}", "--image-size", "16"],
        ["data", "info", "folder", "--data", "{data}", "--image-size", "16", "--json"],
        ["data", "verify", "folder", "--data", "{data}"],
        ["data", "verify", "folder", "--data", "{data}", "--json"],
        ["data", "views", "--dataset", "folder", "--data", "{data}", "--image-size", "16", "--rows", "2", "--out", "{run}.png"],
        ["train", .. OnImages, "--epochs", "2", "--out", "{run}"],
        ["train", "--resume", "{run}"],
        ["train", "--resume", "{run}", "--json"],
        ["train", "--out", "{run}"],
        ["train", "--config", "{run}"],
        ["train", "--data", "{run}/absent", "--dataset", "folder"],
        ["train", .. OnImages, "--dry-run", "--out", "{run}-2"],
        ["train", "{run}"],
        ["train", "--{run}"],
        ["train", "--lr", "{run}"],
        ["{run}"],
        ["runs", "."],
        ["runs", ".", "--json"],
        ["runs", "{run}"],
        ["eval", "{run}"],
        ["eval", "--run", "{run}", "--json"],
        ["eval", "{run}/absent"],
        ["predict", "{run}", "{image}"],
        ["predict", "--run", "{run}", "{image}", "--json"],
        ["predict", "{run}", "{image}", "{data}/train"],
        ["predict", "{run}", "{run}"],
        ["export", "{run}", "{run}.onnx"],
        ["export", "{run}", "{run}.onnx", "--json"],
        ["export", "{run}", "{run}"],
        ["report", "{run}"],
        ["inspect", "{run}"],
        ["inspect", "--run", "{run}", "--json"],
        ["doctor", "--out", "{run}"],
        ["doctor", "--out", "{run}", "--json"],
        ["sweep", "--vary", "lr={run}"],
        ["sweep", .. OnImages, "--epochs", "1", "--vary", "lr=0.1,0.2", "--out", "{run}-sweep"],
        ["compare", .. OnImages, "--epochs", "1", "--rules", "BP", "--seeds", "1", "--out", "{run}-compare"],
        ["find-lr", .. OnImages, "--steps", "10", "--out", "{run}-rates"],
    ];

    private readonly Workplace _workplace = new();

    public HostileNamesTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "Such names are Linux's.");

    [Theory]
    [InlineData(null)]
    [InlineData(80)]
    public void No_name_commands_the_terminal_or_breaks_a_line_and_json_has_it_whole(int? width)
    {
        string data = _workplace[$"photos {First}"], run = $"run {First}{Second}";
        WriteImages(data);
        string image = Path.Combine(data, "train", First, $"{Second}0.png");

        StringBuilder json = new();
        foreach (string[] command in Commands)
        {
            string[] words =
            [
                .. command.Select(word => word
                    .Replace("{data}", data, StringComparison.Ordinal)
                    .Replace("{run}", run, StringComparison.Ordinal)
                    .Replace("{image}", image, StringComparison.Ordinal)),
            ];
            Workplace.Result result = _workplace.Run(words, width: width);

            Assert.True(result.Code is 0 or 2, $"{command[0]} ended with {result.Code}: {result.Error}");
            Assert.DoesNotContain((result.Out + result.Error).EnumerateRunes(), rune => rune.Value != '\n' && IsHidden(rune));
            Assert.DoesNotContain("\nonward: fine", "\n" + result.Out + result.Error);
            // These name each damaged file.
            bool goesThroughFiles = command.Contains("verify") || command[^1] == "{data}/train";
            if (width is null && command[^1] != "--json" && result.Code == 2 && !goesThroughFiles)
            {
                Assert.Single(
                    result.ErrorLines,
                    line => line.StartsWith("onward: ", StringComparison.Ordinal) && !line.Contains("skipped", StringComparison.Ordinal));
            }

            if (command[^1] == "--json" && result.Code == 0)
            {
                Assert.All(result.OutLines, line => json.AppendLine(Decode(JsonNode.Parse(line)!)));
            }
        }

        Assert.Contains(First, json.ToString());
        Assert.Contains(Second, json.ToString());
        Assert.Contains(run, json.ToString());
        Assert.Contains(image, json.ToString());
    }

    [Theory]
    [InlineData(
        "plain caf\u00e9 \u65e5\u672c \ud83d\ude00 \u05d0 a\u200cb \ud83d\udc68\u200d\ud83d\udc69",
        "plain caf\u00e9 \u65e5\u672c \ud83d\ude00 \u05d0 a\u200cb \ud83d\udc68\u200d\ud83d\udc69")]
    [InlineData("\u001b[2J\u0007\t\n\r\u007f\u0085\u009b", "\\u001B[2J\\u0007\\u0009\\u000A\\u000D\\u007F\\u0085\\u009B")]
    [InlineData(
        "a\u2028\u2029\u202a\u202e\u2066\u2069\u200e\u061c\ufeff\u00ad",
        "a\\u2028\\u2029\\u202A\\u202E\\u2066\\u2069\\u200E\\u061C\\uFEFF\\u00AD")]
    [InlineData("\udb40\udc01", "\\uDB40\\uDC01")]
    public void What_is_not_to_be_seen_is_escaped_and_nothing_else(string text, string shown)
    {
        Assert.Equal(shown, Printable.Escape(text));
        Assert.Equal(shown, Printable.Escape(shown));
    }

    [Fact]
    public void Halves_of_pairs_are_escaped() =>
        Assert.Equal("a\\uD83Db\\uDE00", Printable.Escape("a" + (char)0xD83D + "b" + (char)0xDE00));

    public void Dispose() => _workplace.Dispose();

    private static bool IsHidden(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control
            or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator
            or UnicodeCategory.Format;

    private static string Decode(JsonNode node) => node switch
    {
        JsonObject many => string.Concat(many.Select(pair => pair.Key + (pair.Value is null ? "" : Decode(pair.Value)))),
        JsonArray many => string.Concat(many.Select(value => value is null ? "" : Decode(value))),
        _ => node.GetValueKind() == System.Text.Json.JsonValueKind.String ? node.GetValue<string>() : "",
    };

    // Two classes with hostile names, four images each in train and val, and one damaged.
    private static void WriteImages(string data)
    {
        foreach (string set in new[] { "train", "val" })
        {
            foreach (string label in new[] { First, Second })
            {
                string folder = Path.Combine(data, set, label);
                Directory.CreateDirectory(folder);
                for (int i = 0; i < 4; i++)
                {
                    using SKBitmap bitmap = new(20, 20);
                    bitmap.Erase(new SKColor((byte)(40 * i), (byte)(label == First ? 200 : 20), 90));
                    using FileStream file = File.Create(Path.Combine(folder, $"{Second}{i}.png"));
                    bitmap.Encode(file, SKEncodedImageFormat.Png, 100);
                }

                File.WriteAllText(Path.Combine(folder, $"{First}damaged.png"), "none");
            }
        }
    }
}
