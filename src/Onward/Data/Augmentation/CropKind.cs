namespace Onward.Data.Augmentation;

/// <summary>How the part of an image that a view shows is chosen.</summary>
public enum CropKind
{
    /// <summary>The whole image; where its size is not that of the view, <see cref="Centre"/>.</summary>
    Whole,

    /// <summary>
    /// <see cref="Whole"/> with zeros around it, from which a rectangle of the view's size is cut at random (spec 6.1).
    /// </summary>
    Padded,

    /// <summary>A rectangle of random area and shape, brought to the size of the view by bicubic interpolation (spec 5.2).</summary>
    Area,

    /// <summary>
    /// The middle of the image, T of every T + 32 pixels of its shorter side for a view of T pixels, brought to the size of
    /// the view by bicubic interpolation (spec 5.2).
    /// </summary>
    Centre,
}
