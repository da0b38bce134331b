using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Onward.Cli.Tests;

public sealed partial class ReportTests : IDisposable
{
    private const string Small = "train --data {data} --model S/1/1 --batch-size 16 --epochs 2";

    private readonly Workplace _workplace = new();

    [Fact]
    public void A_page_holds_all_there_is_to_say_of_a_run()
    {
        _workplace.Run($"{Small} --out run");
        JsonNode eval = JsonNode.Parse(_workplace.Run("eval --run run --json").Out)!;

        Workplace.Result result = _workplace.Run("report run");

        string page = File.ReadAllText(_workplace["work/run/report.html"]);
        Assert.Equal((0, "", _workplace["work/run/report.html"]), (result.Code, result.Error, result.OutLines[0]));
        Assert.Equal(5, Count(page, "<svg class=\"lines\""));
        int[] counts = [.. Cells().Matches(page).Select(match => int.Parse(match.Groups[2].Value, null))];
        Assert.Equal((100, Workplace.TestImages), (counts.Length, counts.Sum()));
        int wrong = Cells()
            .Matches(page)
            .Where(match => match.Groups[1].Value == "wrong")
            .Sum(match => int.Parse(match.Groups[2].Value, null));
        Assert.Equal((double)eval["testError"]!, 100.0 * wrong / Workplace.TestImages, 1e-3);
        Assert.Equal(wrong, Count(page, "src=\"data:image/png;base64,"));
        Assert.Contains("block 0", page);
        Assert.Contains("<th scope=\"row\">batchSize</th><td>16</td>", page);
        Assert.Contains("<th scope=\"row\">processor</th>", page);
        Assert.DoesNotMatch("(src|href)=\"(?!data:|#)", page);
        Assert.DoesNotContain("@import", page);
        Assert.DoesNotContain(_workplace.Left, path => path.EndsWith(".partial", StringComparison.Ordinal));
    }

    [Fact]
    public void Runs_of_all_kinds_and_stages_go_on_one_page()
    {
        _workplace.Run($"{Small} --out a/run");
        _workplace.Run($"{Small} --out b/run", interruptAt: "epoch 1/2");
        _workplace.Run($"{Small} --out first", interruptAt: "training");
        _workplace.Run($"{Small} --out contrastive --objective contrastive --projection 8");
        _workplace.Run($"{Small} --out bp --rule BP");
        _workplace.Run($"{Small} --out diverged --lr 1e38 --schedule constant --warmup-epochs 0");
        _workplace.Run("train --data {data} --model M/8/16 --batch-size 16 --epochs 1 --out deep");

        Workplace.Result result = _workplace.Run("report a/run b/run first contrastive bp diverged deep --out all.html");

        string page = File.ReadAllText(_workplace["work/all.html"]);
        Assert.Equal(0, result.Code);
        Assert.Equal(10, Count(page, "<svg class=\"lines\"")); // contrastive loss and error have charts of their own
        string[] shown =
        [
            "a/run", "b/run", "contrastive", "resumable", "Training diverged: ", "BP trains no local heads", "know no classes",
            "Local loss of block 3",
        ];
        Assert.All(shown, text => Assert.Contains(text, page));
        Assert.Equal(5, Count(page, "<h3>Confusion matrix"));
        Assert.Equal(
            [
                "onward: first: no confusion matrix and no images: there is no model, because no epoch has ended.",
                "onward: diverged: no confusion matrix and no images: there is no model, because no epoch has ended.",
            ],
            result.ErrorLines);
    }

    [Fact]
    public void Where_the_images_are_gone_the_rest_is_shown()
    {
        _workplace.Run($"{Small} --out run");
        Directory.Move(_workplace.Data, _workplace["elsewhere"]);

        Workplace.Result result = _workplace.Run("report run");

        string page = File.ReadAllText(_workplace["work/run/report.html"]), why = $"its data set is absent; it was in {_workplace.Data}.";
        Assert.Equal((0, $"onward: run: no confusion matrix and no images: {why}"), (result.Code, Assert.Single(result.ErrorLines)));
        Assert.Contains($"No confusion matrix and no images: {why}", page);
        Assert.DoesNotContain("<img", page);
        Assert.Contains("block 0", page);
    }

    [Fact]
    public void Text_is_escaped()
    {
        string folder = "<script>alert(1)</script>&\"x'".Replace('/', '_');
        _workplace.Run($"{Small} --out {folder}");

        Assert.Equal(0, _workplace.Run($"report {folder} --out page.html").Code);

        string page = File.ReadAllText(_workplace["work/page.html"]);
        Assert.DoesNotContain("<script>alert", page);
        Assert.Contains("&lt;script&gt;alert(1)", page);
    }

    [Fact]
    public void Names_cannot_turn_the_direction_of_a_page()
    {
        string folder = "a\u202eb\u0007c";
        _workplace.Run($"{Small} --out {folder}");

        Assert.Equal(0, _workplace.Run($"report {folder} --out page.html").Code);

        string page = File.ReadAllText(_workplace["work/page.html"]);
        Assert.Contains("a\\u202Eb\\u0007c", page);
        Assert.DoesNotContain(page, letter => letter is '\u202e' or '\u0007');
    }

    [Theory]
    [InlineData("report absent", "absent: no such folder. Name the folder of a run")]
    [InlineData("report {data}", "no config.json in it")]
    [InlineData("report run run/", "run is named twice. Name each run once.")]
    [InlineData("report run --out run", "cannot be written: it is a folder. Name a file in a folder that can be written to with --out.")]
    [InlineData("report run --out no/where.html", "cannot be written: there is no folder ")]
    [InlineData("report", "RUN")]
    public void Faults_are_one_line(string command, string expected)
    {
        _workplace.Run($"{Small} --out run");

        _workplace.Refuse(command, expected);
    }

    [Fact]
    public void Errors_and_right_answers_of_the_same_share_have_the_same_tone()
    {
        _workplace.Run($"{Small} --out run");
        _workplace.Run("report run");

        string page = File.ReadAllText(_workplace["work/run/report.html"]);

        (int Count, double Tone)[][] rows =
        [
            .. Rows().Matches(page)
                .Select(row => Cells().Matches(row.Value).Select(CountAndTone).ToArray())
                .Where(row => row.Length == 10),
        ];
        Assert.Equal(10, rows.Length);
        foreach ((int Count, double Tone)[] row in rows)
        {
            int all = row.Sum(cell => cell.Count);
            Assert.All(row, cell => Assert.Equal(0.65 * Math.Sqrt((double)cell.Count / all), cell.Tone, 0.006));
        }

        static (int Count, double Tone) CountAndTone(Match cell)
        {
            string tone = Tones().Match(cell.Value).Groups[1].Value;
            return (int.Parse(cell.Groups[2].Value, null), double.Parse(tone, CultureInfo.InvariantCulture));
        }
    }

    // The script tells, of each row of charts, how far its last one ends from the edge; and what is wider than its place, without a sign.
    [Theory]
    [InlineData(500)]
    [InlineData(800)]
    [InlineData(1400)]
    public void No_width_leaves_a_hole_or_cuts_anything_without_a_sign(int width)
    {
        _workplace.Run($"{Small} --out a-run-with-a-long-name-that-is-not-broken-anywhere-else");
        _workplace.Run("report a-run-with-a-long-name-that-is-not-broken-anywhere-else --out page.html");
        const string Measure = """
            const place = document.querySelector(".curves").getBoundingClientRect(), ends = {};
            for (const chart of document.querySelectorAll(".chart")) {
              const box = chart.getBoundingClientRect();
              ends[Math.round(box.top)] = Math.max(ends[Math.round(box.top)] ?? 0, Math.round(box.right));
            }
            const holes = Object.values(ends).filter(end => Math.abs(end - place.right) > 2).length;
            const cut = [...document.querySelectorAll(".scroll")]
              .filter(box => box.scrollWidth > box.clientWidth + 1)
              .filter(box => !getComputedStyle(box, "::after").content.includes("scroll sideways")).length;
            const wide = Math.max(0, document.documentElement.scrollWidth - innerWidth);
            document.body.dataset.measured = `${holes} holes, ${cut} cut, ${wide} too wide`;
            </script>
            """;
        string page = File.ReadAllText(_workplace["work/page.html"]);
        File.WriteAllText(_workplace["work/page.html"], page.Replace("</script>", Measure, StringComparison.Ordinal));

        (string dom, _) = Browse(Browser(), _workplace["work/page.html"], width);

        Assert.Contains("data-measured=\"0 holes, 0 cut, 0 too wide\"", dom);
    }

    [Fact]
    public void A_browser_shows_it_without_a_complaint()
    {
        string browser = Browser();
        _workplace.Run($"{Small} --out a");
        _workplace.Run($"{Small} --out b --rule BP");
        _workplace.Run("report a b --out page.html");

        // The script moves the pointer over a chart, so that the page's own script runs.
        const string Move = """
            document.querySelector('svg').dispatchEvent(new PointerEvent('pointermove', { clientX: 1 }));
            console.log('has run');
            </script>
            """;
        string page = File.ReadAllText(_workplace["work/page.html"]).Replace("</script>", Move, StringComparison.Ordinal);
        File.WriteAllText(_workplace["work/page.html"], page);
        (string dom, string log) = Browse(browser, _workplace["work/page.html"]);

        Assert.Equal(5, Count(dom, "<svg class=\"lines\""));
        Assert.Contains("epoch 1: a test ", dom);
        string[] messages = [.. log.Split('\n').Where(line => line.Contains("CONSOLE", StringComparison.Ordinal))];
        Assert.Contains("has run", Assert.Single(messages));
    }

    public void Dispose() => _workplace.Dispose();

    private static string Browser()
    {
        string[] folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        string? browser = new[] { "chromium", "chromium-browser", "google-chrome" }
            .SelectMany(name => folders.Select(folder => Path.Combine(folder, name)))
            .FirstOrDefault(File.Exists);
        Assert.SkipWhen(browser is null, "No Chromium on this machine.");
        return browser!;
    }

    private (string Dom, string Log) Browse(string browser, string page, int width = 1200)
    {
        ProcessStartInfo start = new(browser)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList =
            {
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync", $"--window-size={width},900", "--enable-logging=stderr", "--v=0",
                $"--user-data-dir={_workplace["browser"]}", "--dump-dom", new Uri(page).AbsoluteUri,
            },
        };
        using Process process = Process.Start(start)!;
        Task<string> log = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string dom = process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(1)), "The browser does not end.");
        return (dom, log.Result);
    }

    private static int Count(string text, string part) => text.Split(part).Length - 1;

    [GeneratedRegex("<i class=\"(none|right|wrong)\" style=\"[^\"]*\">(\\d+)</i>")]
    private static partial Regex Cells();

    [GeneratedRegex("<tr>.*?</tr>")]
    private static partial Regex Rows();

    [GeneratedRegex("--share:([0-9.]+)")]
    private static partial Regex Tones();
}
