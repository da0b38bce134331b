using SkiaSharp;

namespace Onward.Cli.Tests;

public sealed class DataViewsTests : IDisposable
{
    private readonly Workplace _workplace = new();

    [Theory]
    [InlineData("none")]
    [InlineData("contrastive")]
    public void A_sheet_shows_each_image_first_and_then_its_views(string recipe)
    {
        Workplace.Result result = _workplace.Run($"data views --dataset digits --recipe {recipe} --rows 3 --columns 4 --out sheet.png");

        using SKBitmap sheet = SKBitmap.Decode(_workplace["work/sheet.png"]);
        Assert.Equal(0, result.Code);
        Assert.Equal((2 + (4 * 58), 2 + (3 * 58)), (sheet.Width, sheet.Height)); // 28 pixels, twice as large, 2 between
        Assert.Equal(
            recipe == "none",
            Enumerable.Range(0, 56 * 56).All(
                i => sheet.GetPixel(2 + (i % 56), 2 + (i / 56)) == sheet.GetPixel(60 + (i % 56), 2 + (i / 56))));
    }

    [Fact]
    public void The_same_seed_draws_the_same_sheet()
    {
        byte[][] sheets = [.. new[] { 1, 1, 2 }.Select((seed, i) =>
        {
            Assert.Equal(0, _workplace.Run($"data views --dataset digits --rows 2 --columns 3 --seed {seed} --out {i}.png").Code);
            return File.ReadAllBytes(_workplace[$"work/{i}.png"]);
        })];

        Assert.Equal(sheets[0], sheets[1]);
        Assert.NotEqual(sheets[0], sheets[2]);
    }

    [Fact]
    public void A_place_that_cannot_be_written_is_told() =>
        _workplace.Refuse("data views --dataset digits --out none/sheet.png", "none/sheet.png");

    public void Dispose() => _workplace.Dispose();
}
