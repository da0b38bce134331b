namespace Onward.Runs;

/// <summary>What becomes of a view that shows one colour and nothing else.</summary>
internal enum BlankViews
{
    /// <summary>It is trained on, as in the published code.</summary>
    Keep,

    /// <summary>It is drawn again until it shows something.</summary>
    Redraw,
}
